"""The hash of a model's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from imgcore.analysis.fingerprints import of_folder

COMMAND = (
    "find -L . -type f ! -path '*/.*' ! -path './hub/*' | sed 's|^./||' | LC_ALL=C sort "
    "| xargs -d '\\n' sha256sum | sha256sum"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of files."""
    for name in ("card.toml", "model.onnx", "weights/a.bin", "weights/b c.bin", "Labels.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"the content of {name}")
    return tmp_path


def test_anybody_can_work_it_out_with_sha256sum(folder: Path) -> None:
    said = subprocess.run(["sh", "-c", COMMAND], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    assert of_folder(folder) == said.stdout.split()[0]


@pytest.mark.parametrize("name", ["card.toml", "weights/a.bin", "new.txt"])
def test_every_file_counts(folder: Path, name: str) -> None:
    before = of_folder(folder)
    path = folder / name
    path.write_text("another content")
    assert of_folder(folder) != before


def test_files_behind_a_link_count(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("shared")
    (elsewhere / "big.bin").write_text("weights")
    (folder / "linked").symlink_to(elsewhere)
    before = of_folder(folder)
    (elsewhere / "big.bin").write_text("other weights")
    assert of_folder(folder) != before


def test_a_name_counts(folder: Path) -> None:
    before = of_folder(folder)
    (folder / "model.onnx").rename(folder / "other.onnx")
    assert of_folder(folder) != before


def test_hidden_files_and_downloads_do_not_count(folder: Path) -> None:
    before = of_folder(folder)
    for name in (".DS_Store", "weights/.cache", "hub/models/blob"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("nothing of the model")
    assert of_folder(folder) == before


def test_a_file_is_read_again_only_when_its_size_or_time_has_changed(folder: Path) -> None:
    path = folder / "model.onnx"
    was = path.stat()
    before = of_folder(folder)
    path.write_text("another words " + path.read_text()[14:])
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert path.stat().st_size == was.st_size
    assert of_folder(folder) == before
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1_000_000_000))
    assert of_folder(folder) != before
