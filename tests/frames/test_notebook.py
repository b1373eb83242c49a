"""The notebook in docs runs as it is, on a part of the demo clinic and with no server."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from imgcore import bootstrap, demo
from imgcore.config import load_settings
from imgcore.db.tables import Analysis
from imgcore.demo.plans import Picture, clinic
from imgcore.domain.access import system
from imgcore.imaging.drawings import photograph
from imgcore.services.images import Filter
from tests.structure.sources import ROOT

NOTEBOOK = ROOT / "docs" / "imgcore.ipynb"
PATIENT = clinic()[-1]


def _small(picture: Picture) -> bytes:
    """Draw with a tenth of the pixels, which is as good here and much quicker."""
    width, height = picture.drawing.size
    drawing = replace(picture.drawing, size=(width // 10, height // 10))
    return photograph(drawing, picture.shot, picture.format)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a clinic with one of the demo's patients, and one result of an analysis."""
    monkeypatch.setattr(Picture, "draw", _small)
    monkeypatch.setattr(demo, "clinic", lambda: [PATIENT])
    with closing(bootstrap.build(load_settings(data_dir=tmp_path / "data"))) as made:
        demo.load(made.services, system(), lambda _done, _total: None)
        image = made.services.images.list(system(), Filter()).items[0]
        with made.database.write() as session:
            session.add(
                Analysis(patient_id=image.patient_id, image_id=image.id, analyser="capture-quality",
                         analyser_version="1", input_sha256="", predictions={"sharpness": 0.75},
                         created_at=made.built_at, updated_at=made.built_at)
            )  # fmt: skip
    return tmp_path / "data"


def _notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def _run(folder: Path) -> Any:
    notebook = _notebook()
    resources = {"metadata": {"path": str(folder.parent)}}
    NotebookClient(notebook, timeout=600, startup_timeout=300, resources=resources).execute()
    return notebook


def _shown(notebook: Any, kind: str) -> list[str]:
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", [])]
    return [str(each["data"][kind]) for each in outputs if kind in each.get("data", {})]


@pytest.mark.filterwarnings("default")  # what Jupyter's own parts warn of is theirs
def test_the_notebook_shows_tables_a_chart_and_a_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(folder.parent / "ipython"))
    shown = _run(folder)
    tables = "".join(_shown(shown, "text/html"))
    assert (
        "datetime64[us, UTC]" in tables
        and "sharpness" in tables
        and "table.download" in "".join(_shown(shown, "text/plain"))
    )
    assert "Images by category" in tables and "linear-gradient" in tables
    assert len(_shown(shown, "image/png")) == 1
    said = "".join(each["text"] for cell in shown.cells for each in cell.get("outputs", []) if "text" in each)
    images = sum(len(batch.pictures) for batch in PATIENT.batches)
    assert f"{images} images of 1 patients" in said


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    notebook = _notebook()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
