"""A patient of whom much is kept in many places, and the search for what is left of them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from PIL import Image as Picture
from sqlmodel import select

from imgcore.db.journal import Job, Setting
from imgcore.db.tables import Batch, Image, metadata
from imgcore.domain import records
from imgcore.domain.access import Role
from imgcore.domain.analyses import NewImpression
from imgcore.domain.sets import Comment, NewImageSet, NewShare
from imgcore.domain.values import BatchFields, ImageFields, NewBatch, NewVisit, PatientFields, VisitFields
from imgcore.services.patients import fold
from tests.services.clinics import DESK, House

NAME = "Zäbulonïa Quixxberg"
MRN = "QX-773155"
EXTERNAL = "his-zzq-9912"
EMAIL = "zabu.quixxberg@mail.example"
# One rare word for each place where somebody types.
TYPED = tuple(
    f"{word}zzqx"
    for word in ("notes", "caption", "oldcaption", "file", "batch", "oldbatch", "visit", "oldvisit", "place",
                 "about", "setname", "setnote", "label", "comment", "guest", "reason", "kind", "former",
                 "thought", "region")
)  # fmt: skip
WORDS = (NAME, *NAME.split(), MRN, EXTERNAL, EMAIL, *TYPED)
# Each of the words holds one of these.
ROOTS = ("zzqx", "ulon", "quixx", "773155")
PIECE = 64


@dataclass(frozen=True)
class Known:
    """The patient, somebody else beside them, and every byte of their pictures that was stored."""

    patient: records.Patient
    other: records.Patient
    other_image: records.Image
    pieces: tuple[bytes, ...]


def noise(seed: int) -> bytes:
    """Return the bytes of a picture that has no two places alike."""
    values = random.Random(seed).randbytes(160 * 120 * 3)
    file = io.BytesIO()
    Picture.frombytes("RGB", (160, 120), values).save(file, "JPEG", quality=90)
    return file.getvalue()


def leave_traces(house: House) -> Known:
    """Do with a patient all that leaves something behind."""
    services, who = house.services, house.admin
    agreed: dict[str, Any] = {"consent_record": {"given_on": "2025-11-06"}}
    patient = house.patient("Ännä formerzzqx", notes="formerzzqx", **agreed)
    known = PatientFields(name=NAME, mrn=MRN, external_id=EXTERNAL, notes="noteszzqx")
    patient, _change = services.patients.edit(who, patient.id, known)
    other = house.patient("Ada Novak", **agreed)
    visit = services.visits.create(who, patient.id, NewVisit(note="oldvisitzzqx"))
    services.visits.edit(who, visit.id, VisitFields(note=f"visitzzqx {NAME}"))
    batch = services.batches.create(who, patient.id, NewBatch(name="oldbatchzzqx", visit_id=visit.id))
    services.batches.edit(who, batch.id, BatchFields(name="batchzzqx"))
    first, second = _upload(house, batch, 1, "request of Quixxberg"), _upload(house, batch, 2)
    services.images.edit(who, first.id, ImageFields(caption="captionzzqx", body_location="placezzqx"))
    services.images.edit(who, first.id, ImageFields(description="aboutzzqx", image_type="kindzzqx"))
    for make in (services.files.display, services.files.compressed):
        b"".join(make(who, second.id).read())
    services.analyses.run(who, first.id, body_region="regionzzqx")
    services.impressions.add(who, first.id, NewImpression(text=f"thoughtzzqx about {NAME}"))
    other_batch = house.batch(other)
    other_image = house.image(other_batch.id, seed=40)
    services.images.edit_many(who, [first.id, other_image.id], ImageFields(image_type="Photo"))
    services.images.move(who, [second.id], other_batch.id, "reasonzzqx")
    services.history.undo(who)
    services.trash.images(who, [second.id])
    _share(house, [first.id], "setnamezzqx")
    _share(house, [first.id, other_image.id], f"Two of {NAME}")
    house.person(Role.PATIENT, EMAIL, patient_id=str(patient.id))
    job = Job(kind="x", ids={"patient_id": str(patient.id)}, error="reasonzzqx", created_at=house.clock(),
              updated_at=house.clock())  # fmt: skip
    with house.clinic.database.write() as session:
        session.add(job)
    return Known(patient, other, other_image, tuple(_pieces(house, patient)))


def _upload(house: House, batch: records.Batch, seed: int, key: str | None = None) -> records.Image:
    fields = {"caption": "oldcaptionzzqx"}
    offered = house.offered(noise(seed), f"filezzqx {NAME} {seed}.jpg", **fields)
    received = house.services.uploads.store(house.admin, batch.id, [offered], key=key)
    assert not received.failed, received.failed
    return received.uploaded[0].image


def _share(house: House, image_ids: list[UUID], name: str) -> None:
    services, who = house.services, house.admin
    new = NewImageSet(name=name, purpose="record", note="setnotezzqx Quixxberg", image_ids=image_ids)
    set_id = services.image_sets.create(who, new).image_set.id
    services.image_sets.give(who, set_id, house.person(Role.REVIEWER).user_id or set_id)
    link = services.shares.create(who, set_id, NewShare(label="labelzzqx for Quixxberg"))
    ticket = services.guests.open(DESK, link.token, link.pin)
    comment = Comment(name="guestzzqx Quixxberg", text="commentzzqx about Zäbulonïa")
    services.guests.answer(DESK, ticket.share_id, ticket.value, comment)


def _pieces(house: House, patient: records.Patient) -> Iterator[bytes]:
    """Yield short pieces from all over every object of the patient."""
    with house.clinic.database.read() as session:
        theirs = select(Image.key).join(Batch).where(Batch.patient_id == patient.id)
        stems = [key.rpartition(".")[0] for key in session.exec(theirs)]
    for info in house.clinic.store.walk():
        if any(info.key.startswith(stem) for stem in stems):
            with house.clinic.store.read(info.key) as chunks:
                content = b"".join(chunks)
            start = content.index(b"\xff\xda")  # what comes before is the same in every JPEG
            yield from (content[at : at + PIECE] for at in range(start + 20, len(content) - PIECE, 997))


def spellings(word: str) -> set[bytes]:
    """Return how a word can stand in a file."""
    forms = {word, word.casefold(), word.upper(), fold(word)}
    escaped = {json.dumps(each)[1:-1].encode() for each in forms}
    coded = {each.encode(code) for each in forms for code in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")}
    return escaped | coded


def found_in(content: bytes, pieces: Iterable[bytes] = ()) -> list[str]:
    """Return what of the patient stands in some bytes."""
    told = []
    if any(each in content for root in ROOTS for each in spellings(root)):
        told = [word for word in WORDS if any(each in content for each in spellings(word))]
    return told + ["bytes of a picture" for each in pieces if each in content][:1]


def found_below(folder: Path, pieces: Iterable[bytes]) -> dict[str, list[str]]:
    """Return the files of a folder in which something of the patient stands, or that are named so."""
    wanted, found = tuple(pieces), {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        named = str(path.relative_to(folder))
        told = found_in(path.read_bytes(), wanted) + found_in(named.encode())
        if told:
            found[named] = told
    return found


def dumped(house: House) -> bytes:
    """Return every row of every table as text."""
    with house.clinic.database.read() as session:
        rows = [(name, session.execute(sa.select(table)).all()) for name, table in metadata.tables.items()]
    return repr(rows).encode() + json.dumps(repr(rows)).encode()


def is_due(house: House) -> bool:
    """Tell whether the files still have to be written anew."""
    return any(row.name == "rewriting_due" for row in house.rows(Setting))
