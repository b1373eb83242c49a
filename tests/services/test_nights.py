from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from imgcore.domain.access import Role, system
from imgcore.domain.retention import NewErasure
from imgcore.errors import Forbidden
from imgcore.services import upkeep
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.test_simultaneous import at_once

pytestmark = pytest.mark.usefixtures("sydney")
NOON = datetime(2025, 11, 6, 1, tzinfo=UTC)  # in Sydney


@pytest.fixture
def clinic(open_clinic: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A clinic with an image that looks after itself."""
    folder = tmp_path / "backups"
    folder.mkdir()
    clinic = open_clinic(upkeep="automatic", backup_folder=folder)
    clinic.clock._now = NOON
    clinic.image()
    monkeypatch.setattr(upkeep, "utc_now", clinic.clock)
    return clinic


def night(clinic: House) -> dict[str, str]:
    """Let one night pass, and what it begins be done; return how each kind of job ended."""
    kinds = clinic.services.nights.begin(system())
    jobs = clinic.services.jobs.list(clinic.admin).items[: len(kinds)]
    ended = {each.kind: clinic.services.job_runs.run(system(), each.id) for each in jobs}
    clinic.clock.forward(days=1)
    return {kind: str(state) for kind, state in ended.items()}


def made(clinic: House) -> list[str]:
    """Return the names of the backups."""
    folder = clinic.services.settings.backup_folder
    assert folder is not None
    return sorted(each.name for each in folder.iterdir())


def test_a_backup_each_night_and_a_check_each_week(clinic: House) -> None:
    both = {"backup": "done", "check": "done"}
    assert [night(clinic) for _ in range(9)] == [both, *[{"backup": "done"}] * 6, both, {"backup": "done"}]
    overdue = clinic.services.operations.overdue(clinic.admin)
    assert (overdue.check, overdue.backup) == (False, False)


def test_it_begins_once_a_night_after_two_o_clock(clinic: House) -> None:
    begin = partial(clinic.services.nights.begin, system())
    assert begin() == ("backup", "check")
    for hours, expected in ((1, ()), (12, ()), (2, ("backup", "check")), (1, ()), (19, ())):
        clinic.clock.forward(hours=hours)
        assert begin() == expected
    clinic.clock.forward(days=3)  # switched off meanwhile
    assert [begin(), begin()] == [("backup", "check"), ()]


@on_both
def test_of_many_servers_one_begins(clinic: House) -> None:
    begun = at_once(*[partial(clinic.services.nights.begin, system())] * 4)
    assert sorted(begun) == [(), (), (), ("backup", "check")]


def test_the_newest_seven_of_the_nights_are_kept_and_what_people_made(clinic: House) -> None:
    job = clinic.services.jobs.start(clinic.admin, "backup", {})
    clinic.services.job_runs.run(system(), job.id)
    (own,) = made(clinic)
    for _ in range(9):
        night(clinic)
    nights = [(NOON + timedelta(days=number)).strftime("%Y%m%d") for number in range(2, 9)]
    assert [each[:24] for each in made(clinic)] == [own[:24], *(f"imgcore-nightly-{each}" for each in nights)]


def test_while_an_image_is_damaged_no_backup_that_may_still_have_it_goes(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "NIGHTS_KEPT", 2)
    patient = clinic.patient("Ruth Berg")
    image = clinic.image(clinic.batch(patient).id, seed=5)
    for _ in range(2):
        night(clinic)
    (clinic.folder / "objects" / image.key).unlink()
    for _ in range(3):
        night(clinic)
    assert len(made(clinic)) == 5
    gone = NewErasure(confirmation="Ruth Berg", reason="asked")
    assert clinic.services.erasure.patient(clinic.admin, patient.id, gone).is_finished
    night(clinic)
    assert len(made(clinic)) == 2


def test_by_itself_nothing_happens_unless_the_settings_say_so(open_clinic: Opens, tmp_path: Path) -> None:
    assert open_clinic("manual", backup_folder=tmp_path).services.nights.begin(system()) == ()
    assert open_clinic("no-folder", upkeep="automatic").services.nights.begin(system()) == ("check",)


def test_nobody_else_begins_it(clinic: House) -> None:
    with pytest.raises(Forbidden):
        clinic.services.nights.begin(clinic.person(Role.CLINICIAN))
