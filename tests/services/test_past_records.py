from __future__ import annotations

from contextlib import suppress

import pytest

from imgcore.db.journal import Event
from imgcore.db.tables import Analysis, Batch, Image
from imgcore.domain.access import Action, Role, system
from imgcore.domain.analyses import AnalysisFilter
from imgcore.domain.failpoints import FailPoint, InjectedFault
from imgcore.domain.retention import NewErasure
from imgcore.errors import NotFound, StoreUnavailable
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.past_records import data_url, export, record
from tests.services.test_gaps import stopping

PATIENTS = 8


def fill(house: House) -> list[object]:
    """Add patients whom the old program knew by numbers, but for the last; return what it called them."""
    known: list[object] = []
    for number in range(PATIENTS - 1):
        house.patient(f"Patient {number}", external_id=str(number + 1))
        known.append(number + 1)
    return [*known, str(house.patient("Last").id)]


@pytest.mark.parametrize(
    ("database_url", "size"), [("sqlite", 500), ("postgresql", 100)], indirect=["database_url"]
)
def test_an_export_is_taken_in_and_20_are_refused_each_with_its_reason(house: House, size: int) -> None:
    records, broken = export(fill(house), size)
    report = house.services.past_records.load(house.admin, records)
    refused = {each.place - 1 for each in report.records if each.outcome == "refused"}
    assert (len(records), len(broken), refused) == (size, 20, broken)
    taken = size - 20
    assert report.count("imported") == taken
    assert all(each.message and each.code for each in report.records if each.outcome == "refused")
    rows = house.rows(Analysis)
    pictured = sum("image" in each for place, each in enumerate(records) if place not in broken)
    assert (len(rows), len([row for row in rows if row.image_id])) == (taken, pictured)
    assert len(house.rows(Image)) == pictured
    assert {row.analyser for row in rows} == {"derm-net"}
    one = next(each for each in report.records if each.outcome == "imported" and each.image_id)
    result = house.services.analyses.get(house.admin, one.analysis_id)  # type: ignore[arg-type]
    sent = records[one.place - 1]
    assert (result.record_id, result.confidence) == (str(sent["id"]), sent["confidence"])
    assert result.risk_level == sent["riskLevel"]
    image = house.services.images.get(house.admin, result.image_id)  # type: ignore[arg-type]
    assert result.created_at is not None
    assert image.date_taken == result.created_at.astimezone().date()
    again = house.services.past_records.load(house.admin, records)
    assert [each.outcome for each in again.records] == [
        "refused" if place in broken else "already_there" for place in range(size)
    ]
    assert [each.analysis_id for each in again.records] == [each.analysis_id for each in report.records]
    assert len(house.rows(Analysis)) == taken
    assert len(house.rows(Image)) == pictured
    assert house.stored_keys() == house.named_keys()
    assert house.waiting_files() == []


@pytest.fixture
def house(open_clinic: Opens) -> House:
    """A clinic without any model: none is needed."""
    return open_clinic(analysers={})


@pytest.mark.parametrize(
    "point",
    [
        FailPoint.UPLOAD_PREPARED, FailPoint.UPLOAD_PENDING, FailPoint.UPLOAD_READY,
        FailPoint.ANALYSIS_STORED, FailPoint.ANALYSIS_WRITTEN, FailPoint.CHANGE_COMMITTED,
    ],
)  # fmt: skip
@pytest.mark.parametrize("turn", [1, 2])
def test_an_import_that_is_stopped_anywhere_is_finished_by_sending_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch, point: FailPoint, turn: int
) -> None:
    house.patient(external_id="1")
    records = [record(n, 1) for n in range(3)]
    with stopping(monkeypatch, point, turn), suppress(InjectedFault):
        house.services.past_records.load(house.admin, records)
    report = house.services.past_records.load(house.admin, records)
    assert {each.outcome for each in report.records} <= {"imported", "already_there"}
    house.clock.forward(minutes=16)
    house.services.sweeps.run(system())
    assert (len(house.rows(Analysis)), len(house.rows(Image))) == (3, 3)
    assert house.stored_keys() == house.named_keys()
    assert house.waiting_files() == []


def test_while_the_store_is_away_the_rest_may_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.patient(external_id="1")
    records = [record(n, 1, with_image=n != 0) for n in range(4)]

    def fails(*_: object, **__: object) -> None:
        raise StoreUnavailable("The store is away.")

    with monkeypatch.context() as patch:
        patch.setattr(house.clinic.store, "put", fails)
        report = house.services.past_records.load(house.admin, records)
    assert [each.outcome for each in report.records] == ["imported", "refused", "refused", "refused"]
    assert [each.can_retry for each in report.records] == [False, True, True, True]
    after = house.services.past_records.load(house.admin, records)
    assert [each.outcome for each in after.records] == ["already_there", *["imported"] * 3]


@on_both
def test_a_result_without_a_picture_is_its_patients_like_any_other(house: House) -> None:
    patient, other = house.patient(external_id="1"), house.patient("Other")
    services = house.services
    (outcome,) = services.past_records.load(house.admin, [record(3, 1, with_image=False)]).records
    own = house.person(Role.PATIENT, patient_id=str(patient.id))
    stranger = house.person(Role.PATIENT, patient_id=str(other.id))
    (result,) = services.analyses.list(house.admin).items
    assert (result.id, result.image_id, result.patient_id) == (outcome.analysis_id, None, patient.id)
    assert services.analyses.list(own).items == ()
    services.results.release(house.admin, result.id)
    assert [each.id for each in services.results.list(own, patient.id).items] == [result.id]
    assert services.analyses.list(stranger).items == ()
    with pytest.raises(NotFound):
        services.analyses.get(stranger, result.id)
    change_id = services.trash.patient(house.admin, patient.id)
    assert services.analyses.list(house.admin).items == ()
    services.history.undo(house.admin, change_id)
    assert services.analyses.list(house.admin, AnalysisFilter(patient=patient.id)).total == 1
    services.erasure.patient(house.admin, patient.id, NewErasure(confirmation=patient.name, reason="asked"))
    assert house.rows(Analysis) == []


def test_another_teams_patient_takes_no_records(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team", analysers={})
    house.patient(external_id="1", actor=house.admin)
    stranger = house.person(Role.CLINICIAN)
    report = house.services.past_records.load(stranger, [record(0, 1), record(1, 2)])
    assert [(each.outcome, each.code) for each in report.records] == [("refused", "not_found")] * 2
    assert report.records[0].message == report.records[1].message
    assert (house.rows(Analysis), house.rows(Batch)) == ([], [])


def test_the_audit_holds_nothing_of_a_record(house: House) -> None:
    house.patient(external_id="1")
    given = record(0, 1) | {"bodyRegion": "Zebulon", "id": "Zebulon", "model": "Zebulon"}
    house.services.past_records.load(house.admin, [given])
    lines = house.events(Event.action == Action.RESULT_IMPORT)
    assert (len(lines), lines[0].outcome) == (1, "done")
    assert "Zebulon" not in str([line.model_dump() for line in house.events()])


def test_an_address_is_no_picture(house: House) -> None:
    """What the old program kept elsewhere is not fetched: the record is kept without it."""
    house.patient(external_id="1")
    given = [record(0, 1) | {"image": "https://pictures.example/1.jpg"}, record(1, 1) | {"image": ""}]
    report = house.services.past_records.load(house.admin, given)
    assert [(each.outcome, each.image_id) for each in report.records] == [("imported", None)] * 2
    same = [record(2, 1) | {"image": data_url(7), "id": n, "timestamp": 1741168871000} for n in range(2)]
    one, two = house.services.past_records.load(house.admin, same).records
    assert one.image_id == two.image_id, "the same bytes on one day are one image"
    assert one.analysis_id != two.analysis_id


@on_both
def test_odd_records_have_an_outcome_each_and_spoil_no_list(house: House) -> None:
    patient = house.patient(external_id="1")
    deep: object = {}
    for _level in range(50_000):
        deep = {"a": deep}
    odd: list[tuple[dict[str, object], str]] = [
        ({"id": 1741168871000.25}, "imported"),  # Date.now() + Math.random()
        ({"id": "a\ud800b\x00"}, "imported"),
        ({"predictions": {"nae\ud800vus\x00": 0.5}}, "imported"),
        ({"predictions": {"naevus": 10**400}}, "refused"),
        ({"confidence": 10**400}, "refused"),
        ({"predictions": {"naevus": float("nan")}}, "refused"),
        ({"predictions": [{"label": "a", "score": 0.5}, {"label": "a ", "score": 0.1}]}, "refused"),
        ({"predictions": {"x" * 201: 0.5}}, "refused"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "refused"),
        ({"timestamp": float("inf")}, "refused"),
        ({"id": None, "notes": deep}, "refused"),
    ]
    given = [record(n, 1, with_image=False) | changes for n, (changes, _outcome) in enumerate(odd)]
    report = house.services.past_records.load(house.admin, given)
    assert [each.outcome for each in report.records] == [outcome for _changes, outcome in odd]
    told = house.services.analyses.list(house.admin, AnalysisFilter(patient=patient.id))
    assert told.total == 3
    assert {"1741168871000.25", "a b"} <= {each.record_id for each in told.items}
    assert "nae vus" in {each.label for each in told.items}
    for each in report.records:
        each.record_id.encode()
    again = house.services.past_records.load(house.admin, given)
    assert [each.analysis_id for each in again.records] == [each.analysis_id for each in report.records]


def test_a_picture_without_the_head_of_its_data_url_is_kept_and_an_address_is_told(house: House) -> None:
    house.patient(external_id="1")
    bare = data_url(4).partition(",")[2]
    given = [record(0, 1) | {"image": bare}, record(1, 1) | {"image": "blob:https://old.example/7"}]
    first, second = house.services.past_records.load(house.admin, given).records
    assert (first.outcome, first.message, first.image_id is None) == ("imported", "", False)
    assert (second.outcome, second.image_id) == ("imported", None)
    assert "address" in second.message


def test_a_refused_picture_leaves_no_empty_batch(house: House) -> None:
    house.patient(external_id="1")
    cut = data_url(3)[:-400]
    given = [record(0, 1) | {"image": cut[: len(cut) - (len(cut) - 23) % 4]}, record(1, 1)]
    report = house.services.past_records.load(house.admin, given)
    assert [(each.outcome, each.code) for each in report.records] == [
        ("refused", "damaged"),
        ("imported", ""),
    ]
    (batch,) = house.rows(Batch)
    assert [image.batch_id for image in house.rows(Image)] == [batch.id]
    assert house.waiting_files() == []
