"""The wheel itself."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import zipfile

import pytest

import ultrare

MOST = 4 * 1024 * 1024


def test_what_is_installed_is_complete():
    assert ultrare.__version__ == importlib.metadata.version("ultrare")
    folder = pathlib.Path(ultrare.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_native.pyi").exists()


@pytest.mark.skipif("ULTRARE_WHEEL" not in os.environ, reason="ULTRARE_WHEEL names no wheel: npm test builds one")
def test_the_wheel_is_small_and_for_every_python():
    path = pathlib.Path(os.environ["ULTRARE_WHEEL"])
    size = path.stat().st_size
    print(f"wheel: {size / 1e6:.2f} MB")
    assert size <= MOST and "-abi3-" in path.name
    names = zipfile.ZipFile(path).namelist()
    assert not [name for name in names if "test" in name]
    for terms in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert [name for name in names if name.endswith(terms)]


def test_the_stub_names_what_is_there():
    import ast

    tree = ast.parse((pathlib.Path(ultrare.__file__).parent / "_native.pyi").read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert hasattr(ultrare._native, node.name), node.name
        if isinstance(node, ast.ClassDef):
            kind = getattr(ultrare._native, node.name)
            stub = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
            there = {name for name in vars(kind) if not name.startswith("__")}
            assert there == {name for name in stub if not name.startswith("__")}, node.name
