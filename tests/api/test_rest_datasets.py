"""The records as tables over REST: CSV and Parquet, filters, and who may have them."""

from __future__ import annotations

import csv
import io

import pandas
import pytest
from starlette.testclient import TestClient

from imgcore.domain.access import Role
from imgcore.domain.datasets import DATASETS, NAMES
from tests.api.desks import Desk, problem


def rows(client: TestClient, name: str, **part: str) -> list[dict[str, str]]:
    answer = client.get(f"/api/data/{name}.csv", params=part)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "content-length" not in answer.headers
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("name", NAMES)
def test_each_table_is_there_as_csv_and_as_parquet(desk: Desk, name: str) -> None:
    desk.image()
    columns = [column.name for column in DATASETS[name].columns]  # type: ignore[index]
    answer = desk.admin.get(f"/api/data/{name}.csv/")
    assert answer.content.decode("utf-8-sig").splitlines()[0].split(",") == columns
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name} 20')
    assert answer.headers["cache-control"] == "private, no-store"
    answer = desk.admin.get(f"/api/data/{name}.parquet")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"].endswith(".parquet")
    frame = pandas.read_parquet(io.BytesIO(answer.content))
    assert list(frame.columns) == columns
    assert len(frame) > 0 or name == "analyses"


def test_a_part_is_chosen_by_the_query(desk: Desk) -> None:
    patient = desk.patient(external_id="data-1")
    batch = desk.batch(patient["id"], taken_on="2024-02-29")
    image = desk.image(batch["id"])
    desk.client.patch(f"/api/images/{image['id']}/", json={"category": "casts", "date_taken": "2024-02-29"})
    for part in ({"patient_id": "data-1"}, {"batch_id": batch["id"]}, {"category": "casts"}):
        assert [row["image_id"] for row in rows(desk.client, "images", **part)] == [image["id"]]
    days = {"from": "2024-02-29", "to": "2024-02-29"}
    assert [row["image_id"] for row in rows(desk.client, "images", **days)] == [image["id"]]
    assert [row["batch_id"] for row in rows(desk.client, "batches", **days)] == [batch["id"]]
    assert rows(desk.client, "patients", **days) == []
    assert rows(desk.client, "analyses", patient_id="data-1") == []
    lines = rows(desk.admin, "events", patient_id=patient["id"])
    assert {line["patient_id"] for line in lines} == {patient["id"]}


def test_reviewers_see_no_patient_and_patients_no_table(desk: Desk) -> None:
    image = desk.image()
    reviewer = desk.signed_in(Role.REVIEWER)
    own = desk.signed_in(Role.PATIENT, patient_id=image["patient_id"])
    for name in NAMES:
        path = f"/api/data/{name}.csv"
        assert problem(own.get(path))["code"] == "forbidden"
        assert desk.visitor.get(path).status_code == 401
        if name in ("images", "analyses"):
            assert rows(reviewer, name) == []
        else:
            assert problem(reviewer.get(path))["code"] == "forbidden"
    assert problem(desk.client.get("/api/data/events.csv"))["code"] == "forbidden"
    assert problem(reviewer.get("/api/data/images.csv?from=2025-01-01"))["code"] == "invalid"
    assert (
        problem(reviewer.get(f"/api/data/images.csv?patient_id={image['patient_id']}"))["code"] == "not_found"
    )


@pytest.mark.parametrize(
    "path",
    ["images.csv?categorie=casts", "images.csv?category=cast", "patients.csv?patient_id=7",
     "events.csv?category=casts", "analyses.parquet?from=2025-02-01&to=2025-01-31"],
)  # fmt: skip
def test_a_filter_that_does_not_exist_does_not_give_everything(desk: Desk, path: str) -> None:
    desk.image()
    assert problem(desk.admin.get(f"/api/data/{path}"))["code"] == "invalid"


@pytest.mark.parametrize("path", ["images.csv?from=x", "images.csv?batch_id=1", "events.csv?to=1-1-1"])
def test_what_is_not_understood_is_refused(desk: Desk, path: str) -> None:
    assert problem(desk.admin.get(f"/api/data/{path}"))["code"] == "invalid"
    for unknown in ("users.csv", "images.xlsx", "images"):
        assert problem(desk.admin.get(f"/api/data/{unknown}"))["code"] == "not_found"
