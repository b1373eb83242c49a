"""``retention`` and ``purge`` on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from imgcore import bootstrap, cli
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain import records
from imgcore.domain.access import system
from imgcore.domain.retention import NewHold, NewRule
from imgcore.domain.values import NewBatch, NewPatient
from imgcore.services.uploads import Offered
from tests.services.clinics import photo

LONG_AGO = datetime(2001, 2, 3, 10, tzinfo=UTC)


@pytest.fixture
def old() -> records.Patient:
    """A patient whose only image was uploaded long ago, and a rule of ten years."""
    clinic = bootstrap.build(load_settings())
    services, who = clinic.services, system()
    patient = services.patients.create(who, NewPatient(name="Ada Novak", external_id="his-1"))
    batch = services.batches.create(who, patient.id, NewBatch(name="feet", taken_on=LONG_AGO.date()))
    intake = services.uploads.intake(who, "foot.jpg")
    intake.write(photo(1))
    image = services.uploads.store(who, batch.id, [Offered(intake.finish())]).uploaded[0].image
    services.retention.add(who, NewRule(years=10))
    _make_old(clinic, patient, image)
    clinic.close()
    return patient


def _make_old(clinic: Clinic, patient: records.Patient, image: records.Image) -> None:
    with clinic.database.write() as session:
        session.get_one(Image, image.id).uploaded_at = LONG_AGO
        session.get_one(Patient, patient.id).created_at = LONG_AGO


def left() -> tuple[int, int, int]:
    """Return how many patients, batches and images there are, the trash counted in."""
    clinic = bootstrap.build(load_settings())
    with clinic.database.read() as session:
        counts = [len(session.exec(select(table.id)).all()) for table in (Patient, Batch, Image)]
    clinic.close()
    return counts[0], counts[1], counts[2]


def test_what_is_due_is_told_by_id_and_put_into_the_trash_only_when_asked(
    old: records.Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["retention"]) == 0
    told = capsys.readouterr().out
    assert told == f"{old.id}: last visit 2001-02-03, due since 2011-02-03 (10 years): everything, 1 images\n"
    assert cli.main(["purge"]) == 0
    assert left() == (1, 1, 1)
    capsys.readouterr()
    assert cli.main(["retention", "--put-into-trash"]) == 0
    assert capsys.readouterr().out.endswith("1 images of 1 patients are in the trash.\n")
    assert cli.main(["retention"]) == 0
    assert capsys.readouterr().out == "Nothing is past its time.\n"


def test_the_trash_goes_for_good(old: records.Patient, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["retention", "--put-into-trash"])
    assert cli.main(["purge", "--older-than", "1"]) == 0
    assert cli.main(["purge", "--dry-run", "--patient", "his-1"]) == 0
    assert left() == (1, 1, 1)
    capsys.readouterr()
    assert cli.main(["purge", "--patient", "his-1"]) == 0
    assert capsys.readouterr().out.startswith("Gone for good: 1 images, 1 batches, 1 patients; ")
    assert left() == (0, 0, 0)
    assert cli.main(["purge", "--patient", "his-1"]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_what_is_held_stays_and_is_told(old: records.Patient, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["retention", "--put-into-trash"])
    clinic = bootstrap.build(load_settings())
    clinic.services.holds.set(system(), old.id, NewHold(reason="claim"))
    clinic.close()
    capsys.readouterr()
    assert cli.main(["purge"]) == 0
    assert "1 images stay in the trash, kept by a legal hold." in capsys.readouterr().out
    assert left() == (1, 1, 1)
