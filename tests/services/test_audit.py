from __future__ import annotations

import pytest

from imgcore.db.journal import Event
from imgcore.domain.access import Actor, Role, visitor
from imgcore.domain.values import ImageFields
from imgcore.errors import Unavailable
from imgcore.services.images import Filter
from tests.services.clinics import House
from tests.services.databases import on_both
from tests.services.other_calls import OTHERS
from tests.services.patient_calls import CHANGING, SEARCHING, SEEING
from tests.services.scenes import TYPED, make_scene

# What gives numbers or leave to go on, and shows nothing of a patient.
SHOWS_NOTHING = {
    "patients.counts",
    "images.ids",
    "uploads.check_batch",
    "visit_images.check",
    "files.thumbnail",
    "files.link",
    "set_files.thumbnail",
    "teams.emergencies",
}


def test_every_change_leaves_its_line_and_can_be_undone(clinic: House) -> None:
    wrong = {}
    for name, (call, undo_entries) in CHANGING.items():
        scene = make_scene(clinic)
        lines, changes = len(clinic.events()), len(clinic.changes())
        call(scene, scene.actor)
        new = clinic.events()[lines:]
        entries = clinic.changes()[changes:]
        whole = all(line.actor_id and line.patient_id and line.entity_ids and line.entity for line in new)
        if not (
            new and whole and len(entries) == undo_entries and {line.outcome for line in new} == {"done"}
        ):
            wrong[name] = (new, entries)
        clinic.services.trash.patient(clinic.admin, scene.other.id)
    assert wrong == {}


def test_every_look_leaves_its_line(clinic: House) -> None:
    scene = make_scene(clinic)
    silent = {}
    for name, call in (SEEING | SEARCHING).items():
        before = len(clinic.events())
        call(scene, clinic.person(Role.CLINICIAN))
        new = [line for line in clinic.events()[before:] if line.action not in ("sign_in", "user.manage")]
        if bool(new) is (name in SHOWS_NOTHING):
            silent[name] = new
    assert silent == {}


@on_both
def test_no_line_holds_what_somebody_typed(clinic: House) -> None:
    """Every call, by everybody, with one word in every field: the word must not be in the audit."""
    for name, (call, _changes) in CHANGING.items():
        scene = make_scene(clinic)
        call(scene, scene.actor)
        # An undo entry may hold it: it ends with the trash window.
        assert name in ("trash.restore_patient", "history.undo") or clinic.changes()
    for call in (SEEING | SEARCHING).values():
        call(scene, clinic.admin)
    for name in ("patients.create", "accounts.create", "accounts.edit", "accounts.invite", "sign_in.token"):
        OTHERS[name](scene, clinic.admin)
    clinic.services.patients.find(clinic.admin, TYPED)
    clinic.services.images.list(clinic.admin, Filter(text=TYPED, category=TYPED))
    with pytest.raises(Exception, match="wrong"):
        clinic.services.sign_in.open(visitor(), f"{TYPED}@x.y", TYPED)
    assert TYPED in str(clinic.changes())
    assert TYPED.casefold() not in str(clinic.events()).casefold()


def test_a_line_names_the_fields_that_changed(clinic: House) -> None:
    image = clinic.image()
    fields = ImageFields(category="casts", caption="left heel", body_location="")
    clinic.services.images.edit(clinic.admin, image.id, fields)
    line = clinic.events(Event.action == "image.edit")[-1]
    assert line.field_names == ["caption", "category"]
    assert line.entity_ids == [str(image.id)]


def test_a_list_leaves_one_line_with_all_that_it_showed(clinic: House) -> None:
    batch = clinic.batch()
    shown = {str(image.id) for image in clinic.images(batch.id, 3)}
    before = len(clinic.events())
    clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id))
    (line,) = clinic.events()[before:]
    assert (set(line.entity_ids), line.count, line.patient_id) == (shown, 3, batch.patient_id)


def test_many_images_of_several_patients_leave_a_line_for_each(clinic: House) -> None:
    images = [clinic.image(seed=seed) for seed in range(2)]
    clinic.services.images.edit_many(clinic.admin, [i.id for i in images], ImageFields(category="casts"))
    lines = clinic.events(Event.action == "image.edit")
    assert {(line.patient_id, *line.entity_ids) for line in lines} == {
        (image.patient_id, str(image.id)) for image in images
    }
    assert len(clinic.changes()) == 3


def test_files_that_were_refused_are_counted(clinic: House) -> None:
    batch = clinic.batch()
    clinic.upload(batch.id, b"no picture", b"neither")
    line = clinic.events()[-1]
    assert (line.action, line.outcome, line.count, line.patient_id) == (
        "image.upload", "refused", 2, batch.patient_id,
    )  # fmt: skip


def test_a_screen_that_is_drawn_again_leaves_one_line_in_ten_minutes(clinic: House) -> None:
    patient = clinic.patient()
    batch, colleague = clinic.batch(patient), clinic.person(Role.CLINICIAN)
    services = clinic.services

    def draw(actor: Actor) -> list[str]:
        before = len(clinic.events())
        services.patients.get(actor, patient.id)
        services.batches.of_patient(actor, patient.id)
        services.batches.get(actor, batch.id)
        return [line.action for line in clinic.events()[before:]]

    assert draw(clinic.admin) == ["patient.see", "batch.see"]
    assert draw(clinic.admin) == []
    assert draw(colleague) == ["patient.see", "batch.see"]
    clinic.batch(patient)  # the list shows more than was noted
    assert draw(clinic.admin) == ["batch.see"]
    clinic.clock.forward(minutes=10)
    assert draw(clinic.admin) == ["patient.see", "batch.see", "batch.see"]
    services.patients.get(clinic.admin, clinic.patient().id)
    assert draw(clinic.admin) == ["patient.see"]  # opened again after another


def test_a_list_of_images_leaves_its_line_each_time(clinic: House) -> None:
    batch = clinic.batch()
    clinic.images(batch.id, 2)
    for _ in range(3):
        clinic.services.images.list(clinic.admin, Filter(batch_id=batch.id))
    assert len(clinic.events(Event.action == "image.see")) == 3


def test_a_look_that_could_not_be_noted_is_noted_the_next_time(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, database = clinic.patient(), clinic.clinic.database
    before = len(clinic.events())

    def away() -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", away)
        with pytest.raises(Unavailable):
            clinic.services.patients.get(clinic.admin, patient.id)
    clinic.services.patients.get(clinic.admin, patient.id)
    assert len(clinic.events()) == before + 1
