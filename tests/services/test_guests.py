"""Links for guests: a PIN, an end, five wrong tries, one answer, and a line for every look."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from imgcore.db.journal import Event, Share
from imgcore.db.tables import SignInTry
from imgcore.domain import records, sets
from imgcore.domain.access import Role, visitor
from imgcore.domain.sets import Comment, NewShare, Ticket
from imgcore.errors import Conflict, Invalid, NotFound, TooManyTries, Unauthenticated
from imgcore.services import credentials, guests
from imgcore.services.guests import Guests
from imgcore.services.shares import WRONG_PINS
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.test_image_sets import agreed, content, make, withdraw

GUEST = visitor(address="198.51.100.4", request_id="req-9")
TEXT = "It looks infected."


@dataclass(frozen=True)
class Shared:
    """A set of two pictures of one patient, and a link to it."""

    house: House
    patient: records.Patient
    images: list[records.Image]
    image_set: sets.ImageSet
    link: sets.NewLink

    @property
    def guests(self) -> Guests:
        return self.house.services.guests

    def open(self, pin: str = "") -> Ticket:
        return self.guests.open(GUEST, self.link.token, pin or self.link.pin)

    @property
    def wrong(self) -> str:
        return f"{(int(self.link.pin) + 1) % 10**6:06}"

    def state(self) -> str:
        return self.house.services.shares.all(self.house.admin, self.image_set.id)[0].state


@pytest.fixture
def shared(clinic: House) -> Shared:
    return share(clinic)


def share(clinic: House, days: int = 7) -> Shared:
    """Make a set and a link to it."""
    patient = agreed(clinic)
    images = clinic.images(clinic.batch(patient).id, 2)
    found = make(clinic, *(image.id for image in images))
    link = clinic.services.shares.create(clinic.admin, found.id, NewShare(label="Dr Berg", days=days))
    return Shared(clinic, patient, images, found, link)


@on_both
def test_a_guest_opens_the_link_with_the_pin(clinic: House) -> None:
    shared = share(clinic)
    assert shared.link.pin.isdecimal() and len(shared.link.pin) == 6
    ticket = shared.open()
    seen = shared.guests.look(GUEST, ticket.share_id, ticket.value)
    assert [item.place for item in seen.items] == [1, 2]
    assert {(item.image_id, item.patient_id) for item in seen.items} == {(None, None)}
    for give in (shared.guests.thumbnail, shared.guests.picture):
        assert content(give(GUEST, ticket.share_id, ticket.value, 2)).startswith(b"\xff\xd8")
    found = clinic.services.shares.all(clinic.admin, shared.image_set.id)[0]
    assert found.opened_at is not None and found.state == "open"


@on_both
def test_secrets_are_stored_only_as_hashes(clinic: House) -> None:
    shared = share(clinic)
    row = clinic.rows(Share)[0]
    assert shared.link.token not in str(row) and row.pin_hash.startswith("$argon2id$")
    assert shared.link.pin not in str(clinic.events()) + str(clinic.changes())


@on_both
def test_five_wrong_pins_lock_the_link(clinic: House) -> None:
    shared = share(clinic)
    ticket = shared.open()
    for _try in range(WRONG_PINS):
        with pytest.raises(Unauthenticated, match="The link or the PIN is wrong"):
            shared.open(shared.wrong)
    with pytest.raises(Invalid, match="no longer works"):
        shared.open()
    with pytest.raises(Invalid, match="no longer works"):
        shared.guests.look(GUEST, ticket.share_id, ticket.value)
    assert shared.state() == "locked"
    refused = clinic.events(Event.action == "share.open", Event.outcome == "refused")
    assert [line.entity_ids for line in refused] == [[str(shared.link.share.id)]] * WRONG_PINS


def test_the_right_pin_forgives_the_wrong_ones(shared: Shared) -> None:
    for _round in range(2):
        for _try in range(WRONG_PINS - 1):
            with pytest.raises(Unauthenticated):
                shared.open(shared.wrong)
        shared.open()
    assert shared.state() == "open"


def test_an_unknown_link_is_answered_like_a_wrong_pin(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str | None] = []

    def noted(password_hash: str | None, password: str) -> bool:
        checked.append(password_hash)
        return credentials.password_fits(password_hash, password)

    monkeypatch.setattr(guests, "password_fits", noted)
    with pytest.raises(Unauthenticated) as wrong:
        shared.open(shared.wrong)
    with pytest.raises(Unauthenticated) as unknown:
        shared.guests.open(GUEST, "no-such-link", shared.link.pin)
    assert (wrong.value.message, wrong.value.hint) == (unknown.value.message, unknown.value.hint)
    # The same work is done for both, so that neither is quicker.
    assert len(checked) == 2 and checked[1] is None
    shared.guests.knock(GUEST, "no-such-link")


@on_both
def test_one_address_has_only_so_many_tries(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "TRIES_FROM_ONE_ADDRESS", 6)
    shared = share(clinic)
    for number in range(guests.TRIES_FROM_ONE_ADDRESS):
        with pytest.raises(Unauthenticated):
            shared.guests.open(GUEST, f"guess-{number}", "000000")
    with pytest.raises(TooManyTries):
        shared.open()
    shared.guests.open(visitor(address="203.0.113.9"), shared.link.token, shared.link.pin)
    clinic.clock.forward(minutes=guests.TRIES_MINUTES)
    shared.open()
    assert len(clinic.rows(SignInTry)) == guests.TRIES_FROM_ONE_ADDRESS


@on_both
def test_a_revoked_link_ends_at_once(clinic: House) -> None:
    shared = share(clinic)
    ticket = shared.open()
    clinic.services.shares.revoke(clinic.admin, shared.link.share.id)
    opened = (ticket.share_id, ticket.value)
    for stopped in (
        shared.open,
        lambda: shared.guests.knock(GUEST, shared.link.token),
        lambda: shared.guests.look(GUEST, *opened),
        lambda: shared.guests.thumbnail(GUEST, *opened, 1),
        lambda: shared.guests.picture(GUEST, *opened, 1),
        lambda: shared.guests.answer(GUEST, *opened, Comment(name="Berg", text=TEXT)),
    ):
        with pytest.raises(Invalid, match="This link no longer works"):
            stopped()
    assert shared.state() == "revoked"
    assert clinic.rows(Share)[0].commented_at is None


@on_both
def test_a_link_expires(clinic: House) -> None:
    shared = share(clinic, days=1)
    clinic.clock.forward(hours=23, minutes=30)
    ticket = shared.open()
    assert ticket.expires_at <= shared.link.share.expires_at
    clinic.clock.forward(minutes=31)
    with pytest.raises(Unauthenticated):
        shared.guests.look(GUEST, ticket.share_id, ticket.value)
    with pytest.raises(Invalid, match="no longer works"):
        shared.open()
    assert shared.state() == "expired"


def test_a_ticket_is_good_for_an_hour_and_for_one_link(shared: Shared) -> None:
    ticket = shared.open()
    other = shared.house.services.shares.create(
        shared.house.admin, shared.image_set.id, NewShare(label="Dr Weiss")
    ).share
    expires = int(ticket.value.partition(".")[0])
    forged = f"{expires + 9999}.{ticket.value.partition('.')[2]}"
    tries: list[tuple[UUID, str]] = [
        (other.id, ticket.value), (ticket.share_id, forged), (ticket.share_id, ""), (ticket.share_id, "é.é"),
    ]  # fmt: skip
    for share_id, value in tries:
        with pytest.raises(Unauthenticated):
            shared.guests.look(GUEST, share_id, value)
    shared.house.clock.forward(minutes=59)
    shared.guests.look(GUEST, ticket.share_id, ticket.value)
    shared.house.clock.forward(minutes=1)
    with pytest.raises(Unauthenticated):
        shared.guests.look(GUEST, ticket.share_id, ticket.value)


@on_both
def test_a_guest_answers_once_and_staff_read_it(clinic: House) -> None:
    shared = share(clinic)
    ticket = shared.open()
    shared.guests.answer(GUEST, ticket.share_id, ticket.value, Comment(name="Dr Berg", text=TEXT))
    with pytest.raises(Conflict):
        shared.guests.answer(GUEST, ticket.share_id, ticket.value, Comment(name="Dr Berg", text="More"))
    assert shared.guests.look(GUEST, ticket.share_id, ticket.value).has_answered
    found = clinic.services.shares.all(clinic.admin, shared.image_set.id)[0]
    assert (found.comment, found.comment_by) == (TEXT, "Dr Berg")
    assert clinic.services.image_sets.get(clinic.admin, shared.image_set.id).comments == 1
    reviewer = clinic.person(Role.REVIEWER)
    assert reviewer.user_id
    clinic.services.image_sets.give(clinic.admin, shared.image_set.id, reviewer.user_id)
    assert clinic.services.image_sets.get(reviewer, shared.image_set.id).comments == 0
    assert TEXT not in str(clinic.events())


@on_both
def test_a_withdrawn_consent_empties_the_link_at_once(clinic: House) -> None:
    shared = share(clinic)
    ticket = shared.open()
    withdraw(clinic, shared.patient.id, "record")
    seen = shared.guests.look(GUEST, ticket.share_id, ticket.value)
    assert (seen.items, seen.size) == ((), 2)
    for give in (shared.guests.thumbnail, shared.guests.picture):
        with pytest.raises(NotFound):
            give(GUEST, ticket.share_id, ticket.value, 1)


@on_both
def test_every_opening_and_picture_is_written_down_under_the_link(clinic: House) -> None:
    shared = share(clinic)
    before, share_id = len(clinic.events()), str(shared.link.share.id)
    ticket = shared.open()
    opened = (ticket.share_id, ticket.value)
    for _round in range(2):
        shared.guests.look(GUEST, *opened)
        shared.guests.thumbnail(GUEST, *opened, 1)
        shared.guests.picture(GUEST, *opened, 1)
    images = [str(image.id) for image in shared.images]
    lines = clinic.events()[before:]
    assert [line.entity_ids for line in lines] == [[share_id], [share_id, *images], [share_id, images[0]]]
    assert [line.patient_id for line in lines] == [None, shared.patient.id, shared.patient.id]
    assert {(line.action, line.entity, line.actor_id) for line in lines} == {("share.open", "share", None)}
    assert {line.address for line in lines} == {GUEST.address}


def test_a_link_of_another_teams_set_cannot_be_seen_or_revoked(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    shared = share(clinic)
    stranger = clinic.person(Role.CLINICIAN)
    with pytest.raises(NotFound):
        clinic.services.shares.revoke(stranger, shared.link.share.id)
    with pytest.raises(NotFound):
        clinic.services.shares.all(stranger, shared.image_set.id)
    with pytest.raises(NotFound):
        clinic.services.shares.create(stranger, shared.image_set.id, NewShare(label="me"))
    shared.open()
