"""The blocks of the READMEs are run, in their order, as somebody would who copies them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ultrare
from conftest import ROOT


def blocks(path: Path) -> list:
    """(language, mark, code) of every block."""
    found = re.findall(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
    return [(language, mark, code) for language, mark, code in found]


def ratings(folder: Path) -> None:
    """The sample as somebody's file."""
    lines = [f"{user},{item},{value},{time}\n" for user, item, value, time in ultrare.sample(1).to_tuples()]
    (folder / "ratings.csv").write_text("user,item,rating,time\n" + "".join(lines))


@pytest.mark.skipif(sys.platform == "win32", reason="its shell blocks are those of a POSIX shell")
def test_the_packages_readme_runs(cli, tmp_path):
    ratings(tmp_path)
    python = shell = 0
    script = ""
    for language, mark, code in blocks(ROOT / "crate" / "python" / "README.md"):
        if language == "python":
            script += code + "\n"
            python += 1
        elif language == "sh" and mark != "install":
            # What the shell works on was made by the blocks before it.
            run_python(script, tmp_path)
            path = {**os.environ, "PATH": f"{cli.binary.parent}{os.pathsep}{os.environ['PATH']}"}
            done = subprocess.run(["sh", "-ec", code], cwd=tmp_path, env=path, capture_output=True, text=True)
            assert done.returncode == 0 and "verified" in done.stdout, done.stdout + done.stderr
            shell += 1
    printed = run_python(script, tmp_path)
    assert python >= 8 and shell >= 1
    assert "partition.parameter" in printed and "train 100%" in printed


def run_python(script: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_front_pages_python_runs(tmp_path):
    ratings(tmp_path)
    code = "".join(code for language, _, code in blocks(ROOT / "README.md") if language == "python")
    assert "receipt.verify" in code
    run_python(code, tmp_path)
