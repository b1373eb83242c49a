"""What figures leave out, for whom, and for how long they are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy.pool import QueuePool

from imgcore.domain.access import Role
from imgcore.domain.analyses import NewImpression
from imgcore.domain.sets import NewImageSet
from imgcore.domain.statistics import Asked, Figure
from imgcore.errors import Invalid
from tests.services.clinics import House, Opens, ids
from tests.services.databases import on_both
from tests.services.test_statistics import AGREED, NOON, figure, result, rows

RESULTS = (Figure.QUALITY, Figure.RISKS, Figure.AGREEMENT)


@on_both
def test_results_that_wait_for_an_own_impression_are_in_no_sum(open_clinic: Opens) -> None:
    house = open_clinic(hide_results_until_impression=True)
    vera, tom = house.person(Role.CLINICIAN), house.person(Role.CLINICIAN)
    seen, hidden = house.images(house.batch(house.patient("Ada Novak", **AGREED)).id, 2)
    for image, risk in ((seen, "low"), (hidden, "high")):
        result(house, image.id, risk_level=risk, predictions={"a": 1.0})
        result(house, image.id, analyser_version="2", predictions={"a": 1.0})
        result(house, image.id, analyser="capture-quality", predictions={"sharpness": 0.5})
    house.services.impressions.add(vera, seen.id, NewImpression(text="It looks calm to me."))
    new = NewImageSet(name="Both", purpose="record", image_ids=[seen.id, hidden.id])
    set_id = house.services.image_sets.create(house.admin, new).image_set.id
    for asked in ({}, {"from_on": NOON.date(), "to_on": NOON.date()}, {"set_id": set_id}):
        assert figure(house, Figure.RISKS, vera, **asked).column("risk_level") == ["low"]
        assert figure(house, Figure.AGREEMENT, vera, **asked).total("images") == 1
        assert figure(house, Figure.QUALITY, vera, **asked).total("results") == 1
        for which in RESULTS:
            assert house.services.statistics.table(tom, which, Asked(**asked)).rows == ()
    reviewer = house.person(Role.REVIEWER)
    assert reviewer.user_id is not None
    house.services.image_sets.give(house.admin, set_id, reviewer.user_id)
    assert figure(house, Figure.RISKS, reviewer, set_id=set_id).total("results") == 2


def test_a_set_is_not_chosen_by_days(clinic: House) -> None:
    patient = clinic.patient(**AGREED)
    new = NewImageSet(name="Heels", purpose="record", image_ids=ids(clinic.images(clinic.batch(patient).id)))
    set_id = clinic.services.image_sets.create(clinic.admin, new).image_set.id
    for days in (Asked(None, set_id, NOON.date()), Asked(None, set_id, None, NOON.date())):
        with pytest.raises(Invalid):
            clinic.services.statistics.table(clinic.admin, Figure.CATEGORIES, days)


@on_both
@pytest.mark.parametrize("access", ["clinic", "care_team"])
def test_a_result_of_a_clock_that_is_ahead_is_counted(open_clinic: Opens, access: str) -> None:
    house = open_clinic(access=access)
    first, second = house.images(house.batch().id, 2)
    ahead = house.clock() + timedelta(days=2)
    for image in (first, second):
        result(house, image.id, ahead, risk_level="high")
    result(house, first.id, NOON, risk_level="low")
    assert dict(row[1:] for row in rows(house, Figure.RISKS)) == {"low": 1, "high": 2}
    house.services.trash.images(house.admin, [second.id])
    assert dict(row[1:] for row in rows(house, Figure.RISKS)) == {"low": 1, "high": 1}
    assert rows(house, Figure.RISKS, to_on=NOON.date()) == [(NOON.date(), "low", 1)]


def test_labels_that_score_alike_are_told_as_in_the_tables(clinic: House) -> None:
    image = clinic.image()
    result(clinic, image.id, predictions={"a": 0.5, "b": 0.5})
    result(clinic, image.id, analyser_version="2", predictions={"a": 0.9, "b": 0.1})
    assert rows(clinic, Figure.AGREEMENT) == [("skin 1", "skin 2", 1, 1)]


def test_somebody_who_is_gone_is_named_no_longer(clinic: House) -> None:
    patient, statistics = clinic.patient("Ada Novak"), clinic.services.statistics
    clinic.images(clinic.batch(patient).id, 1)
    clinic.images(clinic.batch(clinic.patient("Zoe")).id, 1, first=3)
    assert len(statistics.table(clinic.admin, Figure.PATIENTS, Asked()).rows) == 2
    clinic.services.trash.patient(clinic.admin, patient.id)
    assert [row[0] for row in statistics.table(clinic.admin, Figure.PATIENTS, Asked()).rows] == ["Zoe"]
    clinic.clock.forward(minutes=5)
    statistics.table(clinic.admin, Figure.FORMATS, Asked())
    assert "Zoe" not in str(statistics._counted)


def test_whoever_waits_for_a_count_holds_no_connection(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics, pool = clinic.services.statistics, cast("QueuePool", clinic.clinic.database.engine.pool)
    held: list[int] = []

    class Turn:
        def __enter__(self) -> None:
            held.append(pool.checkedout())

        def __exit__(self, *_error: object) -> None:
            held.append(pool.checkedout())

    monkeypatch.setitem(statistics._counting, Figure.FORMATS, Turn())
    statistics.table(clinic.admin, Figure.FORMATS, Asked())
    statistics.table(clinic.admin, Figure.FORMATS, Asked())
    assert held == [0, 0]  # and the second time nobody had to wait
