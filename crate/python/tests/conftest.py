"""What the tests share: rows, the command line, and which tests take long."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any, List

import pytest

import ultrare

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERIFIER = ROOT / "tests" / "verifier" / "verify.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, and only those")


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    long = config.getoption("--long")
    chosen = [item for item in items if ("long" in item.keywords) == bool(long)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


class Cli:
    """The command line, as people call it."""

    def __init__(self, binary: pathlib.Path) -> None:
        self.binary = binary

    def __call__(self, *args: Any, code: int = 0) -> str:
        done = subprocess.run([str(self.binary), *map(str, args)], capture_output=True, text=True)
        assert done.returncode == code, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def cli() -> Cli:
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = target / "release" / ("ultrare.exe" if os.name == "nt" else "ultrare")
    assert binary.exists(), f"{binary} is missing: cargo build --release -p ultrare --features cli"
    return Cli(binary)


@pytest.fixture(scope="session")
def file(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Rows in a file."""
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    cli("synth", "--users", 200, "--items", 120, "--rows", 5000, "--seed", 4, path)
    return path


@pytest.fixture(scope="session")
def large(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> ultrare.Rows:
    """Enough rows that something can happen while they are trained on."""
    path = tmp_path_factory.mktemp("large") / "rows.csv"
    cli("synth", "--users", 4000, "--items", 1500, "--rows", 300_000, "--seed", 4, path)
    return ultrare.read(path)


@pytest.fixture(scope="session")
def rows() -> ultrare.Rows:
    return ultrare.sample(1)


SETTINGS = {"shards": 5, "partition": "hash"}


@pytest.fixture
def fitted(rows: ultrare.Rows) -> ultrare.Recommender:
    return ultrare.fit(rows, **SETTINGS)


@pytest.fixture(scope="session")
def digest(rows: ultrare.Rows) -> str:
    """Of what `fitted` gives."""
    found = ultrare.fit(rows, **SETTINGS).digest
    assert found
    return found


def script(text: str, *args: Any) -> "subprocess.Popen[str]":
    """A Python process of its own."""
    return subprocess.Popen([sys.executable, "-c", text, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
