"""My results, and all else that a patient's account shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from imgcore.db.tables import Analysis
from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewPatient
from imgcore.services.images import Filter
from tests.pages.desks import Desk, banner, click, everything, keyed, texts


@pytest.fixture
def result(desk: Desk, batch: Batch) -> Analysis:
    """A result that nobody has released."""
    desk.send(batch, 1)
    image = desk.services.images.list(system(), Filter(batch_id=batch.id)).items[0]
    at = datetime(2025, 11, 6, 10, tzinfo=UTC)
    row = Analysis(
        patient_id=image.patient_id, image_id=image.id, analyser="Skin check", analyser_version="1",
        input_sha256=image.sha256, predictions={"melanocytic_nevus": 0.9}, risk_level="low",
        confidence=0.9, body_region="Left heel", created_at=at, updated_at=at,
    )  # fmt: skip
    with desk.clinic.database.write() as session:
        session.add(row)
        session.flush()
        session.expunge(row)
    return row


def test_nothing_is_there_until_it_is_released(desk: Desk, mary: Patient, result: Analysis) -> None:
    desk.sign_in(Role.PATIENT, mary)
    app = desk.open("results")
    assert "No results have been released to you yet." in texts(app)
    assert "nevus" not in everything(app)
    click(app, "to-images")
    assert app.query_params == {}
    desk.services.results.release(system(), result.id)
    shown = desk.open("results")
    for words in ("### Melanocytic nevus", "Left heel · 6 Nov 2025", "Not a diagnosis"):
        assert words in texts(shown)
    assert "Low risk" in everything(shown)
    assert "**not a diagnosis**" in shown.info[0].value
    assert f"/api/images/{result.image_id}/thumbnail/" in everything(shown)


def test_a_patient_reads_their_own_name_and_changes_nothing(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 2)
    zoe = desk.services.patients.create(system(), NewPatient(name="Zoe Zander"))
    desk.sign_in(Role.PATIENT, mary)
    app = desk.open(patient=zoe.id, batch=batch.id)
    assert "Mary Kowalski" in banner(app)
    assert "born 12 May 1961" in banner(app)
    assert "Zander" not in everything(app)
    assert [each for each in keyed(app, "") if not each.startswith("name-")] == []
    assert not app.toggle
    assert not app.segmented_control
    assert '"may_edit": false' in everything(app).replace("\\", "")
    assert "without category" not in everything(app)


def test_a_patient_whose_record_is_gone_sees_nothing(desk: Desk, mary: Patient) -> None:
    desk.sign_in(Role.PATIENT, mary)
    desk.services.trash.patient(system(), mary.id)
    for screen in ("images", "results"):
        app = desk.open(screen)
        assert len(app.error) >= 1
        assert "Mary" not in everything(app)
