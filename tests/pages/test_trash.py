"""The trash page: what lies there, and the way back."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.ui import keys
from tests.pages.desks import Desk, banner, click, keyed, said, submit, texts

SENTENCES = {
    "batch": "No batch is in the trash.",
    "image": "No image is in the trash by itself.",
    "patient": "No patient is in the trash.",
}


def _open(desk: Desk, kind: str, **query: object) -> AppTest:
    return desk.open("trash", **query).segmented_control(key=keys.TRASH_KIND).set_value(kind).run()


@pytest.mark.parametrize("kind", SENTENCES)
def test_an_empty_trash_says_so_and_leads_back(desk: Desk, mary: Patient, kind: str) -> None:
    app = _open(desk, kind, patient=mary.id)
    assert SENTENCES[kind] in texts(app)
    click(app, "to-images")
    assert app.button(key="new-batch-main").label == "New batch"


def test_a_batch_is_restored(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 4)
    desk.services.trash.batch(system(), batch.id)
    app = _open(desk, "batch", patient=mary.id)
    assert "**6 Nov 2025**" in texts(app)
    assert "4 images" in texts(app)
    assert ">0 images<" in banner(app)
    click(app, f"restore-{batch.id}")
    assert "Restored: 6 Nov 2025." in said(app)
    assert ">4 images<" in banner(app)
    assert SENTENCES["batch"] in texts(app)


def test_an_image_is_restored(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 2)
    image_id = desk.services.images.ids(system(), batch.id)[0]
    desk.services.trash.images(system(), [image_id])
    app = click(_open(desk, "image", patient=mary.id), f"restore-{image_id}")
    assert ">2 images<" in banner(app)


def test_a_patient_is_restored(desk: Desk, mary: Patient) -> None:
    desk.services.trash.patient(system(), mary.id)
    app = click(_open(desk, "patient"), f"restore-{mary.id}")
    assert "Restored: M. K." in said(app)
    assert desk.services.patients.get(system(), mary.id).trashed_at is None


def test_a_patient_is_erased_for_good_from_the_trash(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.send(batch, 2)
    desk.services.trash.patient(system(), mary.id)
    assert not keyed(_open(desk, "patient"), "erase-")
    desk.sign_in(Role.ADMIN)
    app = click(_open(desk, "patient"), f"erase-{mary.id}")
    assert "with 2 images, visits, notes and account" in texts(app)
    app.selectbox(key="erasure-why").set_value("asked")
    app.text_input(key="erasure-confirmation").set_value("4471")
    submit(app, ":red[Erase for good]")
    assert "The patient was erased with 2 images." in said(app)
    assert SENTENCES["patient"] in texts(app)


def test_what_cannot_be_restored_says_why(desk: Desk, mary: Patient, batch: Batch) -> None:
    desk.services.trash.batch(system(), batch.id)
    app = _open(desk, "batch")
    desk.services.trash.patient(system(), mary.id)
    click(app, f"restore-{batch.id}")
    assert "Restore the batch or the patient first" in app.error[0].value
