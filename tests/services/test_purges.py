from __future__ import annotations

import pytest

from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Role, system
from imgcore.domain.retention import NewErasure, Purged
from imgcore.errors import Invalid, NotFound
from tests.services.clinics import House, Opens, ids, photo
from tests.services.databases import on_both
from tests.services.remains import EMAIL, EXTERNAL, MRN, found_below, is_due, leave_traces


@on_both
def test_the_trash_goes_now_and_what_is_kept_stays(clinic: House) -> None:
    batch = clinic.batch()
    kept, gone = clinic.images(batch.id, 2)
    other = clinic.batch(clinic.patient("Other"))
    clinic.image(other.id, 5)
    services = clinic.services
    services.trash.images(clinic.admin, [gone.id])
    services.trash.patient(clinic.admin, other.patient_id)
    expected = Purged(1, 1, 2, gone.file_size + len(photo(5)))
    assert services.purges.preview(clinic.admin) == expected
    assert len(clinic.rows(Image)) == 3
    assert services.purges.run(clinic.admin) == expected
    assert [row.id for row in clinic.rows(Image)] == [kept.id]
    assert [row.id for row in clinic.rows(Batch)] == [batch.id]
    assert [row.id for row in clinic.rows(Patient)] == [batch.patient_id]
    assert clinic.stored_keys() == {kept.key, kept.thumbnail_key}
    assert services.purges.run(clinic.admin) == Purged()


@on_both
def test_one_patient_alone_and_only_what_has_been_there_for_so_long(clinic: House) -> None:
    first, second = (clinic.batch(clinic.patient(name)) for name in ("First", "Second"))
    old = [clinic.image(batch.id, seed) for seed, batch in enumerate((first, second))]
    clinic.services.trash.images(clinic.admin, ids(old))
    clinic.clock.forward(days=7)
    fresh = clinic.image(first.id, 9)
    clinic.services.trash.images(clinic.admin, [fresh.id])
    run = clinic.services.purges.run
    assert run(clinic.admin, first.patient_id, older_than_days=7).images == 1
    assert {row.id for row in clinic.rows(Image)} == {old[1].id, fresh.id}
    assert run(clinic.admin, str(second.patient_id)).images == 1
    assert [row.id for row in clinic.rows(Image)] == [fresh.id]
    with pytest.raises(NotFound):
        run(clinic.admin, "nobody")


def test_progress_is_told_and_may_end_it_before_anything_went(clinic: House) -> None:
    image = clinic.image()
    clinic.services.trash.images(clinic.admin, [image.id])
    told: list[tuple[int, int]] = []

    def cancel(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        clinic.services.purges.run(clinic.admin, progress=cancel)
    assert len(clinic.rows(Image)) == 1
    clinic.services.purges.run(clinic.admin, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 1), (1, 1)]


def test_a_purged_patient_stands_in_no_file_any_more(clinic: House) -> None:
    """What others wrote of them goes only with an erasure."""
    known = leave_traces(clinic)
    clinic.services.trash.patient(clinic.admin, known.patient.id)
    clinic.services.purges.run(clinic.admin, known.patient.id)
    left = {each for found in found_below(clinic.folder, known.pieces).values() for each in found}
    assert not left & {MRN, EXTERNAL, EMAIL, "noteszzqx", "captionzzqx", "filezzqx", "visitzzqx", "batchzzqx"}
    assert "bytes of a picture" not in left


def test_after_the_trash_window_the_files_are_written_anew_in_the_night(clinic: House) -> None:
    patient = clinic.patient("Zebulon Quixxberg")
    clinic.services.trash.patient(clinic.admin, patient.id)
    clinic.clock.forward(days=30)
    clinic.services.sweeps.run(system())
    assert (clinic.rows(Patient), is_due(clinic)) == ([], True)
    clinic.services.sweeps.run(system())
    assert is_due(clinic)
    clinic.clock.forward(days=1)
    clinic.services.sweeps.run(system())
    assert not is_due(clinic)


def test_in_teams_a_person_names_the_patient(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor = clinic.person(Role.CLINICIAN)
    foreign = clinic.patient("Foreign", doctor)
    clinic.services.trash.patient(doctor, foreign.id)
    with pytest.raises(Invalid):
        clinic.services.purges.run(clinic.admin)
    with pytest.raises(NotFound):
        clinic.services.purges.run(clinic.admin, foreign.id)
    with pytest.raises(NotFound):
        asked = NewErasure(confirmation="Foreign", reason="asked")
        clinic.services.erasure.patient(clinic.admin, foreign.id, asked)
    assert clinic.services.purges.run(system()).patients == 1
