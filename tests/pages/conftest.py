"""A clinic in this process, and its screens opened without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcore import bootstrap
from imgcore.config import Settings, load_settings
from imgcore.domain.access import system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewBatch, NewPatient
from tests.api.hurries import in_a_hurry
from tests.pages.desks import Desk
from tests.pages.labs import Lab, open_lab


@pytest.fixture(scope="module", autouse=True)
def _in_a_hurry() -> Iterator[None]:
    """What is slow on purpose is tried elsewhere."""
    with in_a_hurry():
        yield


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An empty clinic that this process serves, with a clinician at the screen."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"IMGCORE_{name.upper()}", raising=False)
    clinic = bootstrap.build(load_settings(data_dir=tmp_path / "data"))
    bootstrap.use(clinic)
    desk = Desk(clinic, monkeypatch)
    desk.sign_in()
    yield desk
    bootstrap.use(None)
    clinic.close()


@pytest.fixture
def mary(desk: Desk) -> Patient:
    """A patient."""
    fields = {"name": "Mary Kowalski", "mrn": "4471", "birth_on": "1961-05-12"}
    return desk.services.patients.create(system(), NewPatient.model_validate(fields))


@pytest.fixture
def batch(desk: Desk, mary: Patient) -> Batch:
    """An empty batch of the patient."""
    new = NewBatch.model_validate({"taken_on": "2025-11-06"})
    return desk.services.batches.create(system(), mary.id, new)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A clinic with two models, one of which cannot run here, and three images of a patient."""
    with open_lab(tmp_path, monkeypatch) as lab:
        yield lab


@pytest.fixture
def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """One where results wait for an own impression."""
    with open_lab(tmp_path, monkeypatch, hide_results_until_impression=True) as lab:
        yield lab
