"""The notebooks run from top to bottom, in a kernel of this very environment."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from conftest import ROOT

NOTEBOOKS = ROOT / "crate" / "python" / "notebooks"


def execute(name: str, folder):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    shutil.copy(NOTEBOOKS / name, folder)
    book = nbformat.read(folder / name, as_version=4)
    nbformat.validate(book)
    assert all(not cell.get("outputs") for cell in book.cells), "kept without outputs: they would tell of somebody's machine"
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return book


def drawn(book) -> str:
    parts = [output.get("data", {}).get("text/html", "") for cell in book.cells for output in cell.get("outputs", [])]
    return "".join(parts)


@pytest.mark.long
def test_the_tour_runs_and_draws_its_bars(tmp_path):
    book = execute("tour.ipynb", tmp_path)
    assert "<progress" in drawn(book) and "100%" in drawn(book)


@pytest.mark.long
def test_own_data_comes_to_a_receipt_that_others_check(cli, file, tmp_path):
    shutil.copy(file, tmp_path / "my_ratings.csv")
    execute("own_data.ipynb", tmp_path)
    assert "verified" in cli("verify", tmp_path / "receipt.json", "--data", file)
    shown = subprocess.run(
        [str(cli.binary), "recommend", "--experiment", str(tmp_path / "recommender.urx"), "--everybody", "--top", "1"],
        capture_output=True, text=True,
    )
    assert shown.returncode == 0 and "from own rows" in shown.stdout


@pytest.mark.long
def test_own_data_runs_as_it_is(tmp_path):
    execute("own_data.ipynb", tmp_path)
    assert (tmp_path / "receipt.json").exists()
