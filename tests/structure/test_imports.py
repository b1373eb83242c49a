"""What may be imported where, beyond what the import contracts in pyproject.toml can say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.structure.sources import ROOT, with_suffix

HEAVY = ("PIL", "alembic", "boto3", "fastapi", "pandas", "pillow_heif", "starlette", "streamlit")
IMPORT_ALL_SERVICES = """
import importlib, pkgutil, sys
import imgcore.services as services
for module in pkgutil.walk_packages(services.__path__, "imgcore.services."):
    importlib.import_module(module.name)
print(*sys.modules)
"""
IMPORT_THE_SERVER = "import gc, sys, app; print(gc.isenabled(), *sys.modules)"
LATE = (
    "alembic", "altair", "authlib", "boto3", "cryptography", "fastapi", "fpdf", "huey", "obstore",
    "onnxruntime", "pillow_heif", "prometheus_client", "psycopg", "pyarrow", "pyrage", "pythonjsonlogger",
    "sqlalchemy.dialects.postgresql", "torch", "transformers", "urllib3",
)  # fmt: skip
EXTRAS = ("requirements.txt", "requirements-onnx.txt", "requirements-huggingface.txt")
PAGES_MAY_IMPORT = ("imgcore.domain", "imgcore.errors", "imgcore.texts", "imgcore.ui", "streamlit")


def test_services_load_nothing_heavy() -> None:
    command = [sys.executable, "-c", IMPORT_ALL_SERVICES]
    loaded = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert "imgcore.services" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_a_start_loads_what_the_sign_in_page_needs_and_looks_for_garbage_afterwards() -> None:
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_THE_SERVER]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert said[0] == "True"
    assert "imgcore.api.server" in said
    assert [name for name in LATE if name in said] == []


def test_pages_import_only_what_screens_need() -> None:
    strange = [
        f"{path}: {name}"
        for path, text in with_suffix(".py")
        if path.parts[0] == "pages"
        for name in _imported(text)
        if not _within(name, PAGES_MAY_IMPORT) and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert strange == []


@pytest.mark.parametrize(
    ("folders", "requirements"),
    [
        (("app.py", "imgcore", "pages"), EXTRAS),
        (("tests",), (*EXTRAS, "requirements-dev.txt")),
    ],
)
def test_every_imported_package_is_pinned(folders: tuple[str, ...], requirements: tuple[str, ...]) -> None:
    pins = re.compile(r"^([\w.-]+)(?:\[\w+\])?==", re.MULTILINE)
    pinned = {_plain(name) for file in requirements for name in pins.findall((ROOT / file).read_text())}
    distributions = packages_distributions()
    missing = {
        f"{path}: {top}"
        for path, text in with_suffix(".py")
        if path.parts[0] in folders
        for top in {name.partition(".")[0] for name in _imported(text)}
        if top not in sys.stdlib_module_names and top not in {"app", "imgcore", "pages", "tests"}
        if pinned.isdisjoint(map(_plain, distributions.get(top, [])))
    }
    assert missing == set()


def _imported(text: str) -> Iterator[str]:
    """Yield the full name of each module or member that a module imports, at its top or inside functions."""
    for node in _executed(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, without what only type checkers read."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _executed(child)


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _plain(distribution: str) -> str:
    """Return the name of a distribution in the one spelling that counts."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
