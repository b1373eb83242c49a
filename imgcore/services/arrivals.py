"""The rows of an upload: pending while its bytes are on their way, ready when they are safe."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlmodel import select

from imgcore.db.tables import Batch, Image, Rendition, Visit
from imgcore.domain import failpoints, records
from imgcore.domain.access import Action
from imgcore.domain.categories import CategorySet
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.records import Stored
from imgcore.domain.values import ImageFields
from imgcore.errors import ObjectExists
from imgcore.imaging import Prepared, RenditionFile
from imgcore.services import rows, sight
from imgcore.services.images import last_order, other_primaries
from imgcore.services.intake import Incoming
from imgcore.services.work import Work
from imgcore.storage import ObjectStore, original_key, rendition_key

MOST_AHEAD = 10_000  # how far beyond the last image a place may lie


@dataclass(frozen=True)
class Arrival:
    """A file that was checked and is about to be stored."""

    image_id: UUID
    batch_id: UUID
    file: Incoming
    fields: ImageFields
    prepared: Prepared
    keep_duplicates: bool


@dataclass(frozen=True)
class Plan:
    """Where the bytes of a pending image go, or the image itself when it was stored before."""

    image_id: UUID
    key: str
    thumbnail_key: str
    stored: records.Image | None = None


def resume(work: Work, image_id: UUID) -> Plan | None:
    """Return the plan of an upload that was cut off, or of one that was finished; None when it is gone.

    ``NotFound`` when the image went to a patient whom the person does not see.
    """
    row = work.session.get(Image, image_id)
    if row is None or row.state == "deleting":
        return None
    sight.require_patients(work, {sight.owner(work, row)}, Action.IMAGE_UPLOAD)
    thumbnail = rendition_key(row.key, "thumbnail", 0)
    stored = rows.image(work, row) if row.state == "ready" else None
    return Plan(row.id, row.key, thumbnail, stored)


def same_in_batch(work: Work, arrival: Arrival) -> records.Image | None:
    """Return the image of this batch that has the same bytes, unless a second one is wanted."""
    if arrival.keep_duplicates:
        return None
    same = select(Image).where(rows.kept(batch_id=arrival.batch_id), Image.sha256 == arrival.file.sha256)
    row = work.session.exec(same.where(Image.id != arrival.image_id).limit(1)).first()
    return rows.image(work, row) if row else None


def begin(work: Work, batch: Batch, arrival: Arrival, categories: CategorySet) -> Plan:
    """Insert the pending row with its final keys; the batch stays locked until the commit."""
    facts = arrival.prepared.facts
    key = original_key(batch.patient_id, batch.id, arrival.image_id, facts.extension)
    row = Image(
        id=arrival.image_id,
        batch_id=batch.id,
        original_name=arrival.file.name,
        key=key,
        mime_type=facts.mime_type,
        file_size=arrival.file.size,
        width=facts.width,
        height=facts.height,
        sha256=arrival.file.sha256,
        crc32=arrival.file.crc32,
        order=_place(work, batch, arrival.fields),
        captured_at=facts.captured_at,
        captured_offset=facts.captured_offset,
        date_taken=facts.captured_at.date() if facts.captured_at else None,
        camera_make=facts.camera_make,
        camera_model=facts.camera_model,
        uploaded_at=work.at,
        uploaded_by=work.actor.user_id,
        updated_at=work.at,
        browser_shows=facts.browser_shows,
        duplicate_of=_elsewhere(work, batch, arrival.file.sha256),
    )
    for name in arrival.fields.model_fields_set - {"order"}:
        setattr(row, name, getattr(arrival.fields, name))
    if row.laterality is None:
        row.laterality = categories.get(row.category).laterality
    work.session.add(row)
    return Plan(row.id, key, rendition_key(key, "thumbnail", 0))


def _place(work: Work, batch: Batch, fields: ImageFields) -> int:
    """Return the place that was asked for while it is free, so that parallel uploads keep their order."""
    last = last_order(work, batch.id)
    if "order" not in fields.model_fields_set or fields.order > last + MOST_AHEAD:
        return last + 1
    taken = select(Image.id).where(Image.batch_id == batch.id, Image.order == fields.order)
    return last + 1 if work.session.exec(taken.limit(1)).first() else fields.order


def put_rendition(store: ObjectStore, key: str, path: Path) -> None:
    """Store a rendition; one that another version of the program made before gives way."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        store.put(key, path, content_type="image/jpeg", sha256=sha256)
    except ObjectExists:
        store.delete([key])
        failpoints.reach(FailPoint.RENDITION_REMOVED)
        store.put(key, path, content_type="image/jpeg", sha256=sha256)


def finish(work: Work, plan: Plan, arrival: Arrival) -> Stored | None:
    """Make the pending row ready; if the same bytes came first in the meantime, answer those.

    None when the row was taken back meanwhile: then nobody else will remove the objects.
    """
    batch = sight.batch(work, arrival.batch_id, Action.IMAGE_UPLOAD)
    row = work.session.exec(select(Image).where(Image.id == plan.image_id).with_for_update()).first()
    if row is None or row.state == "deleting":
        work.record(Action.IMAGE_UPLOAD, outcome="late", patient_id=batch.patient_id, entity="image")
        return None
    named = {"patient_id": batch.patient_id, "entity": "image"}
    there = same_in_batch(work, replace(arrival, image_id=row.id)) if row.state == "pending" else None
    if there is not None:
        row.state = "deleting"  # the sweeper removes the bytes that came second
        work.record(Action.IMAGE_UPLOAD, outcome="duplicate", entity_ids=[there.id], **named)
        return Stored(there, already_there=True)
    if row.state == "pending":
        _make_ready(work, batch, row, plan, arrival.prepared.thumbnail)
        work.remember(Action.IMAGE_UPLOAD, [{"table": "image", "id": str(row.id)}], batch.patient_id)
    work.record(Action.IMAGE_UPLOAD, entity_ids=[row.id], **named)
    work.session.flush()
    return Stored(rows.image(work, row))


def _make_ready(work: Work, batch: Batch, row: Image, plan: Plan, thumbnail: RenditionFile) -> None:
    row.state = "ready"
    if batch.visit_id is not None:
        work.session.get_one(Visit, batch.visit_id, with_for_update=True).images_taken = True
    for each in other_primaries(work, batch, row) if row.is_primary else ():
        each.is_primary = False
        each.version += 1
        each.updated_at = work.at
    made = Rendition(
        image_id=row.id,
        kind="thumbnail",
        key=plan.thumbnail_key,
        file_size=thumbnail.file_size,
        width=thumbnail.width,
        height=thumbnail.height,
        crc32=thumbnail.crc32,
    )
    work.session.merge(made)


def _elsewhere(work: Work, batch: Batch, sha256: str) -> UUID | None:
    """Return an image of the same patient with the same bytes, if there is one."""
    same = select(Image.id).join(Batch).where(Image.sha256 == sha256, rows.kept())
    return work.session.exec(same.where(Batch.patient_id == batch.patient_id).limit(1)).first()
