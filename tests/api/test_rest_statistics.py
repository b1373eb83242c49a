"""Figures over REST: the same rows as JSON and CSV, for whoever may see them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from imgcore.domain.access import Role
from imgcore.domain.statistics import COLUMNS, Figure
from tests.api.desks import Desk, problem

PATH = "/api/statistics"


def test_every_figure_is_told_as_json_and_as_csv(desk: Desk) -> None:
    image = desk.image()
    for figure in Figure:
        answer = desk.client.get(f"{PATH}/{figure}/", params={"patient_id": image["patient_id"]})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["figure"], told["columns"]) == (figure, list(COLUMNS[figure]))
        table = desk.client.get(f"{PATH}/{figure}/csv/", params={"patient_id": image["patient_id"]})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        lines = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
        assert lines == [
            told["columns"], *([str(cell) for cell in row] for row in told["rows"])
        ]  # fmt: skip
    growth = desk.client.get(f"{PATH}/growth/").json()
    assert growth["rows"] == [[str(datetime.now(UTC).date()), 1, 1, 1]]
    assert growth["step"] == "day"


@pytest.mark.parametrize(
    "query",
    [{"zone": "Mars/Olympus"}, {"zone": "/etc/localtime"}, {"from": "2025-02-01", "to": "2025-01-01"},
     {"from": "soon"}, {"set_id": "none"}, {"patient": "7"}],
)  # fmt: skip
def test_a_wrong_question_is_said(desk: Desk, query: dict[str, str]) -> None:
    answer = desk.client.get(f"{PATH}/growth/", params=query)
    assert answer.status_code == 422
    problem(answer)


def test_who_may_not_see_them(desk: Desk) -> None:
    image = desk.image()
    assert desk.visitor.get(f"{PATH}/growth/").status_code == 401
    patient = desk.signed_in(Role.PATIENT, patient_id=image["patient_id"])
    assert patient.get(f"{PATH}/growth/").status_code == 403
    reviewer = desk.signed_in(Role.REVIEWER)
    assert reviewer.get(f"{PATH}/categories/").json()["rows"] == []
    one = reviewer.get(f"{PATH}/categories/", params={"patient_id": image["patient_id"]})
    assert one.status_code == 404
    assert desk.client.get(f"{PATH}/names/").status_code == 404
