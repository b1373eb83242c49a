"""A clinic with models of the tests' own, and what a test does at its screens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from imgcore import bootstrap
from imgcore.config import Settings, load_settings
from imgcore.db.tables import Analysis
from imgcore.domain.access import system
from imgcore.domain.records import Batch, Image
from imgcore.domain.sets import ImageSet, NewImageSet
from imgcore.domain.values import NewBatch, NewPatient, PatientFields, parse
from imgcore.services.images import Filter
from imgcore.ui import dialogs
from tests.pages.desks import Desk
from tests.services.models import Counting

RUN = "skin-check"
DAY = NewBatch(taken_on=date(2025, 11, 6))


@dataclass(frozen=True)
class Lab:
    """A desk whose clinic has models of the test's own."""

    desk: Desk
    model: Counting
    second: Counting
    batch: Batch

    @property
    def images(self) -> list[Image]:
        """The images of the batch, in their order."""
        return list(self.desk.services.images.list(system(), Filter(batch_id=self.batch.id)).items)

    def run(self, image: Image, analyser: str = RUN) -> UUID:
        """Let a model look at an image."""
        return self.desk.services.analyses.run(system(), image.id, analyser=analyser).id

    def changed(self, result_id: UUID, **changes: Any) -> None:
        """Change what a result says."""
        with self.desk.clinic.database.write() as session:
            row = session.get_one(Analysis, result_id)
            for name, value in changes.items():
                setattr(row, name, value)

    def work(self) -> None:
        """Do the job that was started last, as a worker does."""
        (job, *_rest) = self.desk.services.jobs.list(system()).items
        self.desk.services.job_runs.run(system("worker"), job.id)


@contextmanager
def open_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Lab]:
    """Open a clinic with two models, one of which cannot run here, and three images of a patient."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"IMGCORE_{name.upper()}", raising=False)
    model, second = Counting(), Counting(name="other-check", missing="Install it with: pip install some.")
    clinic = bootstrap.build(
        load_settings(data_dir=tmp_path / "data", **settings),
        analysers=lambda: {model.name: model, second.name: second},
    )
    bootstrap.use(clinic)
    desk = Desk(clinic, monkeypatch)
    desk.sign_in()
    fields = {"name": "Mary Kowalski", "mrn": "4471", "birth_on": "1961-05-12"}
    patient = clinic.services.patients.create(system(), NewPatient.model_validate(fields))
    batch = clinic.services.batches.create(system(), patient.id, DAY)
    desk.send(batch, 3)
    yield Lab(desk, model, second, batch)
    bootstrap.use(None)
    clinic.close()


def results(lab: Lab, **query: object) -> AppTest:
    """Open the results at a place in the URL."""
    return lab.desk.open("analyses", **query)


def cards(app: AppTest) -> list[str]:
    """Return the HTML of each result that is shown."""
    return [each.proto.body for each in app.html if 'class="imgcore-analysis"' in each.proto.body]


def frozen(lab: Lab) -> ImageSet:
    """Make a set of all images."""
    consent = parse(PatientFields, consent_record={"given_on": "2025-01-01"})
    lab.desk.services.patients.edit(system(), lab.batch.patient_id, consent)
    new = NewImageSet(name="Study", purpose="record", image_ids=[each.id for each in lab.images])
    return lab.desk.services.image_sets.create(system(), new).image_set


def two_versions(lab: Lab) -> ImageSet:
    """Make one of which two versions of a model differ on the last image."""
    image_set = frozen(lab)
    for number, image in enumerate(lab.images):
        lab.changed(lab.run(image), predictions={"naevus": 0.9}, risk_level="low")
        label = "melanoma" if number == 2 else "naevus"
        lab.model.version = "2.0"
        lab.changed(lab.run(image), predictions={label: 0.7}, risk_level="low")
        lab.model.version = "1.0"
    return image_set


def ask(app: AppTest, act: Any, *arguments: Any) -> None:
    """Open the dialog that a callback of a component asks for."""
    with pytest.MonkeyPatch.context() as patch:
        wanted: list[dialogs.Dialog] = []
        patch.setattr(
            dialogs, "ask", lambda title, draw, *given: wanted.append(dialogs.Dialog(title, draw, given))
        )
        act(*arguments)
    app.session_state["dialog"] = wanted[0]
    app.run()
    assert not app.exception
