from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from PIL import Image as Picture

from imgcore.db.journal import Event
from imgcore.db.tables import Analysis, Impression, Rendition
from imgcore.domain import records
from imgcore.domain.access import Action, Role, system
from imgcore.domain.analyses import AnalysisFilter, NewImpression, Version
from imgcore.domain.failpoints import FailPoint, InjectedFault
from imgcore.domain.retention import NewErasure
from imgcore.domain.sets import NewImageSet
from imgcore.errors import Conflict, Invalid, NotFound
from imgcore.services import pages
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.models import AWAY, Counting, label_of
from tests.services.test_gaps import stopping

RUN = "skin-check"
Here = tuple[House, Counting]


def run(house: House, image: records.Image, **options: object) -> records.Result:
    return house.services.analyses.run(house.admin, image.id, analyser=RUN, **options)  # type: ignore[arg-type]


@on_both
def test_a_result_is_kept_with_its_image_and_the_models_name(house: House, model: Counting) -> None:
    image = house.image(seed=3, body_location="Left heel")
    result = run(house, image)
    (subject,) = model.asked
    with Picture.open(io.BytesIO(subject.data)) as seen:
        assert (seen.format, seen.mode, seen.size) == ("JPEG", "RGB", (64, 48))
    assert (subject.width, subject.height, subject.body_region) == (64, 48, "Left heel")
    assert (result.label, result.analyser, result.analyser_version) == (label_of(subject.data), RUN, "1.0")
    assert (result.image_id, result.patient_id, result.error) == (image.id, image.patient_id, None)
    (row,) = house.rows(Analysis)
    (copy,) = house.rows(Rendition, Rendition.kind == "analysis")
    assert (row.model_sha256, row.body_region, row.id) == ("ab" * 32, "Left heel", result.id)
    assert len(row.input_sha256) == 64
    assert row.duration_ms is not None
    assert copy.image_id == image.id
    assert house.stored_keys() == house.named_keys()
    (line,) = house.events(Event.action == Action.RESULT_RUN)
    assert (line.outcome, line.patient_id, line.entity_ids) == ("done", image.patient_id, [str(row.id)])
    assert house.services.analyses.get(house.admin, result.id) == result


def test_the_same_is_not_computed_twice(house: House, model: Counting) -> None:
    batch = house.batch()
    image = house.image(batch.id, seed=1)
    first = run(house, image)
    assert run(house, image) == first
    twin = house.image(house.batch(house.patient("Other")).id, seed=1)
    copy = run(house, twin)
    assert len(model.asked) == 1
    assert (copy.id != first.id, copy.image_id, copy.predictions) == (True, twin.id, first.predictions)
    again = run(house, image, again=True)
    assert (len(model.asked), again.id == first.id) == (2, False)
    assert house.services.analyses.list(house.admin, AnalysisFilter(image_id=image.id)).total == 2
    run(house, image, body_region="Right heel")
    assert len(model.asked) == 3, "what the model is told counts too"
    model.version = "1.1"
    assert run(house, image).analyser_version == "1.1"
    assert len(model.asked) == 4


@on_both
def test_a_model_that_fails_leaves_an_error_that_can_be_run_again(house: House, model: Counting) -> None:
    image = house.image()
    for fault, text in ((AWAY, AWAY.message), (ValueError("Ada Novak"), "the server's log")):
        model.fault = fault
        failed = run(house, image)
        assert text in (failed.error or "")
        assert "Ada" not in (failed.error or "")
        assert (failed.predictions, failed.label) == ({}, "")
    model.fault = None
    mended = house.services.analyses.run_again(house.admin, failed.id)
    assert (mended.id, mended.error, bool(mended.predictions)) == (failed.id, None, True)
    outcomes = [line.outcome for line in house.events(Event.action == Action.RESULT_RUN)]
    assert outcomes == ["failed", "failed", "done"]
    assert house.services.analyses.run_again(house.admin, mended.id).id != mended.id
    assert len(house.rows(Analysis)) == 2


def test_a_model_that_cannot_run_here_says_the_line_to_install(house: House, model: Counting) -> None:
    model.missing = "Install it with: pip install onnxruntime"
    assert run(house, house.image()).error == model.missing
    assert house.services.analyses.models(house.admin)[0].missing == model.missing
    assert model.asked == []
    with pytest.raises(Invalid, match="skin-check"):
        house.services.analyses.run(house.admin, house.image().id, analyser="other")


def test_an_answer_that_is_no_result_is_an_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from imgcore.domain.analyses import Finding

    for answer in (Finding({}), Finding({"naevus": 1.7}), Finding({"naevus": float("nan")})):
        monkeypatch.setattr(Counting, "predict", lambda _self, _subject, answer=answer: answer)
        result = run(house, house.image())
        assert (bool(result.error), result.predictions) == (True, {})


@pytest.mark.parametrize(
    "point",
    [
        FailPoint.ANALYSIS_STORED, FailPoint.ANALYSIS_PREPARED, FailPoint.ANALYSIS_PREDICTED,
        FailPoint.ANALYSIS_WRITTEN, FailPoint.RENDITION_PUT, FailPoint.CHANGE_WRITTEN,
    ],
)  # fmt: skip
def test_a_run_that_is_stopped_anywhere_can_be_done_again(
    house: House, monkeypatch: pytest.MonkeyPatch, point: FailPoint
) -> None:
    before = run(house, house.image(seed=1))
    image = house.image(seed=2)
    with stopping(monkeypatch, point), pytest.raises(InjectedFault):
        run(house, image)
    assert house.services.analyses.get(house.admin, before.id) == before
    result = run(house, image)
    (row,) = house.rows(Analysis, Analysis.image_id == image.id)
    assert (row.id, row.error) == (result.id, None)
    assert house.stored_keys() == house.named_keys()
    assert house.waiting_files() == []


@on_both
def test_what_the_model_looked_at_while_it_went_to_the_trash_is_not_kept(
    house: House, model: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = house.image()
    predict = Counting.predict

    def trash_meanwhile(self: Counting, subject: object) -> object:
        house.services.trash.images(house.admin, [image.id])
        return predict(self, subject)  # type: ignore[arg-type]

    monkeypatch.setattr(Counting, "predict", trash_meanwhile)
    with pytest.raises(NotFound):
        run(house, image)
    assert house.rows(Analysis) == []


@on_both
def test_lists_are_narrowed_and_turned(house: House, model: Counting) -> None:
    patients = [house.patient(f"Patient {n}") for n in range(3)]
    results = []
    for n in range(9):
        batch = house.batch(patients[n % 3])
        results.append(run(house, house.image(batch.id, seed=n, body_location=f"Toe {n % 2}")))
    model.fault = AWAY
    failed = run(house, house.image(house.batch(patients[0]).id, seed=50))
    list_of, found = house.services.analyses.list, AnalysisFilter
    newest = [failed, *reversed(results)]
    assert list(list_of(house.admin).items) == newest
    first = list_of(house.admin, None, Turn(page_size=4))
    second = list_of(house.admin, None, Turn(page_size=4, cursor=first.next_cursor))
    assert [*first.items, *second.items] == newest[:8]
    assert list_of(house.admin, found(with_errors=False)).total == 9
    assert list_of(house.admin, found(patient=patients[1].id)).total == 3
    assert list_of(house.admin, found(body_region="Toe 1")).total == 4
    high = list_of(house.admin, found(risk_level="high"))
    assert {each.id for each in high.items} == {each.id for each in results if each.risk_level == "high"}
    assert list_of(house.admin, found(analyser=RUN, version="1.0")).total == 10
    assert list_of(house.admin, found(version="2.0")).total == 0
    today = house.clock().astimezone().date()
    assert list_of(house.admin, found(from_on=today, to_on=today)).total == 10
    assert list_of(house.admin, found(to_on=today.replace(year=today.year - 1))).total == 0
    assert house.services.analyses.versions(house.admin) == (Version(RUN, "1.0"),)
    levels = house.services.analyses.levels
    assert levels(house.admin) == tuple(sorted({each.risk_level for each in results if each.risk_level}))
    assert levels(house.person(Role.REVIEWER)) == ()
    assert levels(house.person(Role.PATIENT, patient_id=str(patients[0].id))) == ()


@on_both
def test_a_day_begins_where_the_person_sits(house: House) -> None:
    result = run(house, house.image())
    with house.clinic.database.write() as session:
        late = datetime(2025, 11, 6, 18, 20, tzinfo=UTC)  # past midnight in Kathmandu, not yet in Kolkata
        session.get_one(Analysis, result.id).created_at = late
    list_of = house.services.analyses.list
    for zone, day in (("UTC", 6), ("Asia/Kathmandu", 7), ("Asia/Kolkata", 6)):
        for on in (5, 6, 7):
            asked = AnalysisFilter(from_on=date(2025, 11, on), to_on=date(2025, 11, on), zone=zone)
            assert len(list_of(house.admin, asked).items) == (on == day), (zone, on)
    for wrong in (
        AnalysisFilter(from_on=date(2025, 11, 7), to_on=date(2025, 11, 6)),
        AnalysisFilter(from_on=date(2025, 11, 7), zone="Nowhere/At-all"),
        AnalysisFilter(to_on=date.max),
    ):
        with pytest.raises(Invalid):
            list_of(house.admin, wrong)


def test_a_list_too_long_to_be_sorted_is_the_same_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = house.batch()
    for n in range(6):
        run(house, house.image(batch.id, seed=n, body_location="Heel"))
    risk = house.rows(Analysis)[0].risk_level
    asked = [
        AnalysisFilter(),
        AnalysisFilter(risk_level=risk),
        AnalysisFilter(body_region="Heel"),
        AnalysisFilter(analyser=RUN, version="1.0"),
        AnalysisFilter(analyser=RUN, from_on=house.clock().date().replace(day=1)),
    ]
    sorted_here = [house.services.analyses.list(house.admin, each).items for each in asked]
    monkeypatch.setattr(pages, "COUNTED_UP_TO", 0)
    monkeypatch.setattr(Turn, "__post_init__", lambda _self: None)
    along = [house.services.analyses.list(house.admin, each) for each in asked]
    assert [each.items for each in along] == sorted_here
    assert not any(each.total_is_exact for each in along)


@on_both
def test_a_reviewer_sees_results_of_given_sets_under_pseudonyms(house: House) -> None:
    reviewer = house.person(Role.REVIEWER)
    assert reviewer.user_id is not None
    patient = house.patient("Ada Novak", consent_record={"given_on": "2025-11-06"})
    first, second = house.images(house.batch(patient).id, 2)
    known, other = run(house, first), run(house, second)
    services = house.services
    chosen = NewImageSet(name="Study", purpose="record", note="", image_ids=[first.id])
    set_id = services.image_sets.create(house.admin, chosen).image_set.id
    with pytest.raises(NotFound):
        services.analyses.list(reviewer, AnalysisFilter(image_set_id=set_id))
    services.image_sets.give(house.admin, set_id, reviewer.user_id)
    (told,) = services.analyses.list(reviewer, AnalysisFilter(image_set_id=set_id)).items
    assert (told.id, told.patient_id, told.image_id, told.place) == (known.id, None, None, 1)
    assert told.pseudonym.startswith("P-")
    assert services.analyses.get(reviewer, known.id) == told
    assert services.analyses.list(reviewer).items == ()
    for hidden in (other.id, first.id):
        with pytest.raises(NotFound):
            services.analyses.get(reviewer, hidden)
    assert services.analyses.versions(reviewer, set_id) == (Version(RUN, "1.0", 1),)
    services.trash.images(house.admin, [first.id])
    assert services.analyses.list(reviewer, AnalysisFilter(image_set_id=set_id)).items == ()
    with pytest.raises(NotFound):
        services.analyses.get(reviewer, known.id)


@on_both
def test_two_versions_are_compared_on_one_set(
    house: House, model: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgcore.domain.analyses import Finding

    patient = house.patient(consent_record={"given_on": "2025-11-06"})
    images = house.images(house.batch(patient).id, 7)
    said = {
        "1.0": ["a", "a", "a", "b", "b", "b"],
        "2.0": ["a", "a", "b", "b", "b", "a"],
    }
    for version, labels in said.items():
        model.version = version
        for image, label in zip(images, labels, strict=False):
            answer = Finding({label: 0.9, "z": 0.1})
            monkeypatch.setattr(Counting, "predict", lambda _self, _subject, answer=answer: answer)
            run(house, image)
    chosen = NewImageSet(name="Set", purpose="record", note="", image_ids=[each.id for each in images])
    set_id = house.services.image_sets.create(house.admin, chosen).image_set.id
    compare = house.services.comparisons.agreement
    found = compare(house.admin, set_id, Version(RUN, "1.0"), Version(RUN, "2.0"))
    assert (found.labels, found.table) == (("a", "b"), ((2, 1), (1, 2)))
    assert (found.images, found.agreeing, found.left_out) == (6, 4, 1)
    assert found.share == pytest.approx(2 / 3)
    assert found.kappa == pytest.approx(1 / 3)
    assert [(pair.place, pair.first.label, pair.second.label, pair.is_same) for pair in found.pairs] == [
        (1, "a", "a", True), (2, "a", "a", True), (3, "a", "b", False),
        (4, "b", "b", True), (5, "b", "b", True), (6, "b", "a", False),
    ]  # fmt: skip
    nothing = compare(house.admin, set_id, Version(RUN, "1.0"), Version(RUN, "9"))
    assert (nothing.images, nothing.share, nothing.kappa) == (0, None, None)


@on_both
def test_a_trend_follows_one_place_by_the_day_of_the_photograph(house: House) -> None:
    patient = house.patient()
    batch = house.batch(patient)
    days = ("2025-03-01", "2025-01-01", "2025-02-01")
    for n, day in enumerate(days):
        place = {"body_location": "Left heel", "category": "casts", "date_taken": day}
        run(house, house.image(batch.id, seed=n, **place))
    run(house, house.image(batch.id, seed=9, body_location="Right heel"))
    trends = house.services.comparisons.trends(house.admin, patient.id)
    assert [(each.body_location, len(each.points)) for each in trends] == [
        ("Left heel", 3),
        ("Right heel", 1),
    ]
    assert [str(point.on) for point in trends[0].points] == sorted(days)
    assert trends[0].category_label == "Casts"
    for n, side in enumerate(("L", "R", "U")):
        run(house, house.image(batch.id, seed=20 + n, body_location="Left heel", laterality=side))
    apart = house.services.comparisons.trends(house.admin, patient.id)
    assert [(each.body_location, each.laterality, each.category, len(each.points)) for each in apart] == [
        ("Left heel", "", "casts", 3), ("Left heel", "", "other", 1), ("Left heel", "L", "other", 1),
        ("Left heel", "R", "other", 1), ("Right heel", "", "other", 1),
    ]  # fmt: skip
    own = house.person(Role.PATIENT, patient_id=str(patient.id))
    assert house.services.comparisons.trends(own, patient.id) == ()
    house.services.results.release(house.admin, trends[0].points[0].result.id)
    assert len(house.services.comparisons.trends(own, patient.id)[0].points) == 1


@on_both
def test_results_wait_for_an_impression_of_ones_own(open_clinic: Opens, model: Counting) -> None:
    house = open_clinic(analysers={model.name: model}, hide_results_until_impression=True)
    services, doctor, other = house.services, house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    image = house.image(seed=1)
    hidden = run(house, image)
    assert (hidden.is_hidden, hidden.predictions, hidden.risk_level, hidden.label) == (True, {}, None, "")
    model.fault = None
    (listed,) = services.analyses.list(doctor).items
    assert listed.is_hidden
    risk = house.rows(Analysis)[0].risk_level
    assert services.analyses.list(doctor, AnalysisFilter(risk_level=risk)).items == ()
    with pytest.raises(Conflict):
        services.results.release(doctor, hidden.id)
    with pytest.raises(Invalid):
        services.impressions.add(doctor, image.id, NewImpression())
    noted = services.impressions.add(doctor, image.id, NewImpression(text="Looks harmless", risk_level="low"))
    (shown,) = services.analyses.list(doctor, AnalysisFilter(risk_level=risk)).items
    assert (shown.is_hidden, shown.risk_level) == (False, risk)
    assert services.impressions.of_image(doctor, image.id) == (noted,)
    assert services.impressions.of_image(other, image.id) == (), "what others think would lead as well"
    assert services.impressions.of_images(doctor, [image.id]) == (noted,)
    assert services.impressions.of_images(other, [image.id]) == ()
    assert services.analyses.get(other, hidden.id).is_hidden
    assert services.results.release(doctor, hidden.id).released_at is not None
    own = house.person(Role.PATIENT, patient_id=str(image.patient_id))
    assert services.analyses.list(own).items[0].risk_level == risk


@on_both
def test_impressions_are_for_whoever_looks_after_the_patient(open_clinic: Opens) -> None:
    house = open_clinic(access="care_team")
    services, doctor, stranger = house.services, house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    (image,) = house.images(house.batch(actor=doctor).id, actor=doctor)
    noted = services.impressions.add(doctor, image.id, NewImpression(text="Looks harmless"))
    assert services.impressions.of_images(doctor, [image.id]) == (noted,)
    assert services.impressions.of_images(stranger, [image.id]) == ()
    services.trash.images(doctor, [image.id])
    assert services.impressions.of_images(doctor, [image.id]) == ()


@on_both
def test_an_erasure_takes_what_is_the_patients_now_and_leaves_what_went_to_another(house: House) -> None:
    wrong, right = house.patient("Wrong"), house.patient("Right")
    services, batch = house.services, house.batch(wrong)
    moved = house.image(batch.id, seed=1)
    result = run(house, moved)
    services.results.release(house.admin, result.id)
    services.impressions.add(house.admin, moved.id, NewImpression(text="Looks harmless"))
    services.batches.move(house.admin, batch.id, right.id, "Uploaded to the wrong patient")
    kept = run(house, house.image(house.batch(wrong).id, seed=2))
    services.erasure.patient(house.admin, wrong.id, NewErasure(confirmation="Wrong", reason="asked"))
    (told,) = services.analyses.list(house.admin).items
    assert (told.id, told.patient_id, told.released_at) == (result.id, right.id, None)
    assert house.rows(Analysis, Analysis.id == kept.id) == []
    assert [row.patient_id for row in house.rows(Impression)] == [right.id]
    services.erasure.patient(house.admin, right.id, NewErasure(confirmation="Right", reason="asked"))
    assert (house.rows(Analysis), house.rows(Impression), house.stored_keys()) == ([], [], set())


def test_what_is_removed_for_good_takes_its_analyses_and_impressions(house: House) -> None:
    image = house.image()
    run(house, image)
    house.services.impressions.add(house.admin, image.id, NewImpression(text="Zebulon's toe"))
    house.services.trash.images(house.admin, [image.id])
    house.clock.forward(days=31)
    house.services.sweeps.run(system())
    assert (house.rows(Analysis), house.rows(Impression), house.stored_keys()) == ([], [], set())
