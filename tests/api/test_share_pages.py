"""What a guest gets: a form for the PIN, pictures without names, one answer, and nothing after the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select
from starlette.routing import Router
from starlette.testclient import TestClient

from imgcore.api.logs import without_secrets
from imgcore.api.rest import build_api
from imgcore.api.share_pages import SharePages
from imgcore.db.journal import Event
from imgcore.domain.access import system
from imgcore.domain.sets import NewImageSet, NewLink, NewShare
from imgcore.domain.values import ConsentFields, ImageFields, NewBatch, NewPatient, PatientFields
from imgcore.services.uploads import Offered
from tests.api.guarded import OURS, House, _opened
from tests.services.clinics import photo

NAME, MRN, BORN, FILE, CAPTION = "Zebulon Quartz", "MRN-88213", "1951-02-03", "IMG-zq-7.jpg", "Quartz's heel"
TYPED = "It is <b>infected</b>."


@dataclass
class Door:
    """A clinic with the pages for guests, and a link to a set of two pictures."""

    house: House
    link: NewLink
    patient_id: Any
    image_ids: list[Any] = field(default_factory=list)

    @property
    def client(self) -> TestClient:
        return self.house.client

    @property
    def path(self) -> str:
        return f"/share/{self.link.token}"

    @property
    def opened(self) -> str:
        return f"/share/opened/{self.link.share.id}"

    def type(self, pin: str, **headers: str) -> httpx2.Response:
        """Send the PIN as our own page does."""
        answer: httpx2.Response = self.client.post(self.path, data={"pin": pin}, headers=OURS | headers)
        return answer

    def enter(self) -> httpx2.Response:
        return self.type(self.link.pin)

    def answer(self, **fields: str) -> httpx2.Response:
        answer: httpx2.Response = self.client.post(f"{self.opened}/answer", data=fields, headers=OURS)
        return answer


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with _opened(tmp_path, {}) as clinic:
        services, who = clinic.services, system()
        about = {"name": NAME, "mrn": MRN, "birth_on": BORN, "consent_record": {"given_on": "2025-11-06"}}
        patient = services.patients.create(who, NewPatient.model_validate(about))
        batch = services.batches.create(who, patient.id, NewBatch(name=NAME))
        ids = []
        for number in range(2):
            intake = services.uploads.intake(who, FILE)
            intake.write(photo(number))
            offered = Offered(intake.finish(), ImageFields(caption=CAPTION, description=CAPTION))
            ids.append(services.uploads.store(who, batch.id, [offered]).uploaded[0].image.id)
        new = NewImageSet(name="Heels", purpose="record", note="Surgery?", image_ids=ids)
        made = services.image_sets.create(who, new).image_set
        link = services.shares.create(who, made.id, NewShare(label="Dr Berg"))
        pages = SharePages(lambda: clinic)
        house = House(clinic, Router(pages.routes(), default=build_api(lambda: clinic)))
        yield Door(house, link, patient.id, ids)


def test_the_pin_leads_to_the_pictures(door: Door) -> None:
    page = door.client.get(door.path)
    assert page.status_code == 200 and 'name="pin"' in page.text and "<script" not in page.text
    entered = door.enter()
    assert (entered.status_code, entered.headers["location"]) == (303, door.opened)
    cookie = entered.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/share/", "max-age=3600"):
        assert part in cookie
    gallery = door.client.get(door.opened)
    assert "2 pictures" in gallery.text and "Surgery?" in gallery.text and "<script" not in gallery.text
    large = door.client.get(f"{door.opened}/2")
    assert "2 of 2" in large.text and f"{door.opened}/1" in large.text
    for kind in ("thumbnail", "picture"):
        copy = door.client.get(f"{door.opened}/2/{kind}")
        assert copy.headers["content-type"] == "image/jpeg" and copy.content.startswith(b"\xff\xd8")


def test_nothing_that_a_guest_gets_leads_to_the_patient(door: Door) -> None:
    answers = [door.client.get(door.path), door.enter()]
    paths = ["", "/1", "/2", "/1/thumbnail", "/1/picture", "/2/picture"]
    answers += [door.client.get(door.opened + path) for path in paths]
    answers += [door.answer(name="Berg", text=TYPED), door.client.get(door.opened)]
    words = [NAME, "Zebulon", "Quartz", MRN, BORN, FILE, "IMG-zq", CAPTION, str(door.patient_id)]
    words += [*map(str, door.image_ids), "images/", "2025-11-06"]
    for answer in answers:
        assert answer.status_code in (200, 303), answer.text
        body = answer.text + str(answer.headers)
        assert [word for word in words if word in body] == []


def test_no_page_is_kept_framed_or_tells_where_one_came_from(door: Door) -> None:
    first, entered = door.client.get(door.path), door.enter()
    for answer in (first, door.client.get(door.opened), door.client.get(f"{door.opened}/1")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert door.link.token not in entered.headers["location"] + door.client.get(door.opened).text
    assert "no-store" in door.client.get(f"{door.opened}/1/picture").headers["cache-control"]


def test_a_wrong_pin_and_an_unknown_link_are_answered_alike(door: Door) -> None:
    wrong = door.type("no pin")
    unknown = door.client.post("/share/no-such-link", data={"pin": door.link.pin}, headers=OURS)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace(door.path, "") == unknown.text.replace("/share/no-such-link", "")
    known, other = door.client.get(door.path), door.client.get("/share/no-such-link")
    assert known.text.replace(door.path, "") == other.text.replace("/share/no-such-link", "")
    assert "set-cookie" not in wrong.headers


def test_five_wrong_pins_lock_the_link(door: Door) -> None:
    for _try in range(5):
        assert door.type("no pin").status_code == 401
    for answer in (door.enter(), door.client.get(door.path)):
        assert answer.status_code == 410
        assert "This link no longer works." in answer.text


def test_a_form_of_another_site_opens_nothing_and_answers_nothing(door: Door) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    refused = door.client.post(door.path, data={"pin": door.link.pin}, headers=foreign)
    assert refused.status_code == 403 and "set-cookie" not in refused.headers
    door.enter()
    refused = door.client.post(f"{door.opened}/answer", data={"name": "x", "text": "y"}, headers=foreign)
    assert refused.status_code == 403
    assert "Send the answer" in door.client.get(door.opened).text


def test_without_the_pin_there_is_nothing(door: Door) -> None:
    for path in ("", "/1", "/1/thumbnail", "/1/picture"):
        answer = door.client.get(door.opened + path)
        assert answer.status_code == 401
        assert "Please open the link again and type the PIN." in answer.text
    assert door.answer(name="Berg", text=TYPED).status_code == 401
    door.client.cookies.set(f"imgcore_share_{door.link.share.id.hex}", "9999999999.forged", path="/share/")
    assert door.client.get(door.opened).status_code == 401


def test_a_revoked_link_stops_a_guest_who_has_it_open(door: Door) -> None:
    door.enter()
    assert door.client.get(f"{door.opened}/1/picture").status_code == 200
    door.house.clinic.services.shares.revoke(system(), door.link.share.id)
    for path in ("", "/1"):
        answer = door.client.get(door.opened + path)
        assert answer.status_code == 410 and "This link no longer works." in answer.text
    for kind in ("thumbnail", "picture"):
        assert door.client.get(f"{door.opened}/1/{kind}").status_code == 422
    assert door.client.get(door.path).status_code == 410


def test_a_consent_withdrawn_while_a_guest_looks(door: Door) -> None:
    door.enter()
    withdrawn = ConsentFields.model_validate({"given_on": "2025-11-06", "withdrawn_on": "2025-11-07"})
    services = door.house.clinic.services
    services.patients.edit(system(), door.patient_id, PatientFields(consent_record=withdrawn))
    page = door.client.get(door.opened)
    assert "0 of 2 pictures; 2 are withheld" in page.text and "/thumbnail" not in page.text
    for path in ("/1", "/1/thumbnail", "/1/picture"):
        assert door.client.get(door.opened + path).status_code == 404


def test_one_answer_is_taken_and_shown_as_it_was_typed(door: Door) -> None:
    door.enter()
    empty = door.answer(name="", text=TYPED)
    assert empty.status_code == 422 and "&lt;b&gt;infected&lt;/b&gt;" in empty.text
    assert door.answer(name="Berg", text="x" * 2001).status_code == 422
    assert door.answer(name="Berg", text="é" * 2000).status_code == 303
    assert "Your answer was sent." in door.client.get(door.opened).text
    again = door.answer(name="Berg", text="once more")
    assert again.status_code == 409
    shares = door.house.clinic.services.shares.all(system(), door.link.share.image_set_id)
    assert (shares[0].comment, shares[0].comment_by) == ("é" * 2000, "Berg")


def test_the_secret_of_a_link_is_in_no_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    assert without_secrets(door.path) == "/share/…"
    assert without_secrets(f"{door.path}?x=1") == "/share/…"
    assert without_secrets("/share/opened-Secret") == "/share/…"
    assert without_secrets(f"{door.opened}/1/picture") == f"{door.opened}/1/picture"
    with caplog.at_level(logging.DEBUG, "imgcore"):
        door.enter()
        door.type("no pin")
        door.client.get(door.opened)
    assert door.link.token not in caplog.text and door.link.pin not in caplog.text


def test_a_guest_is_nobody_in_the_audit_and_the_link_says_who(door: Door) -> None:
    door.enter()
    door.client.get(door.opened)
    with door.house.clinic.database.read() as session:
        lines = session.exec(select(Event).where(Event.action == "share.open")).all()
        assert {line.actor_id for line in lines} == {None}
        assert {line.entity_ids[0] for line in lines} == {str(door.link.share.id)}


def test_behind_the_pages_for_guests_there_is_nothing_else(door: Door) -> None:
    for path in ("/share/", "/share/opened/x", "/share/a/b", f"{door.opened}/1/original"):
        answer = door.client.get(path)
        assert answer.status_code == 404 and "There is nothing at this address." in answer.text
