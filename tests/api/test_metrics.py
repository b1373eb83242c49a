"""The figures for monitoring: what they count, for whom they are, and that no patient is in them."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from imgcore.api import metrics
from imgcore.api.metrics import Metered, Traffic, part_of
from imgcore.domain.access import system
from tests.api.desks import Desk, problem

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def figures(text: str) -> Figures:
    """Return every figure by its name and labels, read as Prometheus reads it."""
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for one in families
        for each in one.samples
    }


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/patients/5/", "rest"),
        ("/api/images/5/thumbnail/", "thumbnails"),
        ("/api/images/5/display", "pictures"),
        ("/api/images/batches/5/upload/", "uploads"),
        ("/api/images/batches/5/download/", "downloads"),
        ("/files/5/original", "pictures"),
        ("/share/secret", "shares"),
        ("/share/opened/5/1/thumbnail", "thumbnails"),
        ("/auth/login", "sign-in"),
        ("/", "screens"),
        ("/upload", "screens"),
        ("/media/x", "screens"),
    ],
)
def test_a_path_belongs_to_one_of_few_parts(path: str, part: str) -> None:
    assert part_of(path) == part


def test_requests_are_counted_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = Traffic()
    monkeypatch.setattr(metrics, "traffic", traffic)

    def answer(request: Request) -> Response:
        if request.url.path.endswith("broken"):
            raise RuntimeError("broken")
        return PlainTextResponse("there", status_code=201)

    app = Metered(Starlette(routes=[Route("/{rest:path}", answer)]))
    client = TestClient(app)
    client.get("/api/patients/")
    client.get("/api/images/1/thumbnail/")
    with pytest.raises(RuntimeError):
        client.get("/api/broken")
    assert traffic.answers == {
        ("rest", "GET", "201"): 1,
        ("thumbnails", "GET", "201"): 1,
        ("rest", "GET", "cut off"): 1,
    }
    assert sum(traffic.buckets["rest"]) == 2
    assert traffic.seconds["rest"] > 0


def test_the_figures_are_those_of_the_clinic(desk: Desk) -> None:
    image = desk.image()
    desk.clinic.services.operations._counted = None  # as a minute later
    metrics.traffic.add("rest", "GET", "200", 0.2)
    metrics.traffic.add("rest", "GET", "200", 60)
    answer = desk.admin.get("/api/metrics/")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = figures(answer.text)
    assert found["imgcore_up", (("part", "database"),)] == 1
    assert found["imgcore_up", (("part", "store"),)] == 1
    assert found["imgcore_images", (("state", "kept"),)] >= 1
    assert found["imgcore_image_bytes", ()] >= image["file_size"]
    assert 0 < found["imgcore_disk_free_bytes", ()] < found["imgcore_disk_bytes", ()]
    assert found["imgcore_requests_total", (("method", "GET"), ("part", "rest"), ("status", "200"))] >= 2
    upto = [
        found["imgcore_request_seconds_bucket", (("le", end), ("part", "rest"))]
        for end in ("0.1", "0.25", "+Inf")
    ]
    assert upto == sorted(upto)
    assert upto[1] - upto[0] >= 1
    answered = [value for (name, labels), value in found.items()
                if name == "imgcore_requests_total" and ("part", "rest") in labels]  # fmt: skip
    assert upto[2] == sum(answered) > upto[1]
    assert found["process_open_fds", ()] > 0
    assert image["patient_id"] not in answer.text


def test_they_are_for_administrators(desk: Desk) -> None:
    for path in ("/api/metrics/", "/api/operations/"):
        assert problem(desk.client.get(path))["code"] == "forbidden"
        assert desk.visitor.get(path).status_code == 401


def test_how_the_clinic_stands_is_answered_as_the_reference_shows(desk: Desk) -> None:
    standing = desk.admin.get("/api/operations/").json()
    assert standing["readiness"] == {"database": "", "store": "", "disk": ""}
    assert (standing["database_name"], standing["store_name"]) == ("SQLite", "local folder")
    assert set(standing["counts"]["images"]) == {"kept", "trashed", "unfinished", "leaving", "damaged"}
    desk.clinic.services.checks.run(system())
    check = desk.admin.get("/api/operations/").json()["last_check"]
    assert (check["is_quick"], check["tally"]["left"]) == (False, 0)
