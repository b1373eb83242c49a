"""Rows of the database turned into the frozen records that services answer with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from imgcore.db.tables import Batch, Image, Patient, Rendition, User, Visit
from imgcore.domain import records
from imgcore.domain.access import Role
from imgcore.domain.categories import DEFAULT_CODE
from imgcore.domain.records import Consent
from imgcore.services.work import Work

COVERS = 3
# Written into the query: SQLite takes an index of only some rows for no query that says which by a parameter.
READY: sa.ColumnElement[str] = sa.literal_column("'ready'")
_CONSENTS = ("record", "teaching", "publication")


def patient(row: Patient) -> records.Patient:
    """Return a patient's record."""
    consents = {
        f"consent_{purpose}": Consent(
            getattr(row, f"consent_{purpose}_given_on"), getattr(row, f"consent_{purpose}_withdrawn_on")
        )
        for purpose in _CONSENTS
    }
    return records.Patient(
        id=row.id,
        name=row.name,
        mrn=row.mrn,
        external_id=row.external_id,
        birth_on=row.birth_on,
        sex=row.sex,
        notes=row.notes,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        trashed_at=row.trashed_at,
        retention_years=row.retention_years,
        is_held=row.legal_hold_at is not None,
        **consents,
    )


def kept(*, batch_id: UUID | None = None) -> sa.ColumnElement[bool]:
    """Return the condition on ``Image`` for what is listed: its bytes are whole and not in the trash."""
    condition = sa.and_(col(Image.state) == READY, col(Image.trashed_at).is_(None))
    return condition if batch_id is None else sa.and_(col(Image.batch_id) == batch_id, condition)


def unfinished(state: str) -> sa.ColumnElement[bool]:
    """Return the condition on ``Image`` for what is in a state before or after ready; there are few."""
    return sa.and_(col(Image.state) != READY, col(Image.state) == state)


def batches(work: Work, rows: Sequence[Batch]) -> list[records.Batch]:
    """Return the records of batches with their counts and covers, by two queries for all of them."""
    ids = [row.id for row in rows]
    counted = {
        batch_id: (images, uncategorised, int(size or 0), last)
        for batch_id, images, uncategorised, size, last in work.session.execute(
            sa.select(
                col(Image.batch_id),
                func.count().filter(kept()),
                func.count().filter(kept(), col(Image.category) == DEFAULT_CODE),
                func.sum(col(Image.file_size)).filter(kept()),
                func.max(col(Image.order)),
            )
            .where(col(Image.batch_id).in_(ids))
            .group_by(col(Image.batch_id))
        )
    }
    covers = _covers(work, ids)
    return [_batch(row, *counted.get(row.id, (0, 0, 0, 0)), covers[row.id]) for row in rows]


def _batch(
    row: Batch, images: int, uncategorised: int, size: int, last: int, cover: list[UUID]
) -> records.Batch:
    return records.Batch(
        id=row.id,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        name=row.name,
        taken_on=row.taken_on,
        image_count=images,
        uncategorised=uncategorised,
        file_size=size,
        last_order=last,
        cover_ids=tuple(cover),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        trashed_at=row.trashed_at,
    )


def _covers(work: Work, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    place = func.row_number().over(
        partition_by=col(Image.batch_id), order_by=(col(Image.order), col(Image.id))
    )
    placed = sa.select(col(Image.batch_id), col(Image.id), place.label("place"))
    numbered = placed.where(col(Image.batch_id).in_(ids), kept()).subquery()
    first = sa.select(numbered.c.batch_id, numbered.c.id).where(numbered.c.place <= COVERS)
    covers: dict[UUID, list[UUID]] = defaultdict(list)
    for batch_id, image_id in work.session.execute(first.order_by(numbered.c.place)):
        covers[batch_id].append(image_id)
    return covers


def visits(work: Work, rows: Sequence[Visit]) -> list[records.Visit]:
    """Return the records of visits, by three queries for all of them; patients are not shown the note."""
    ids = [row.id for row in rows]
    people = sa.select(col(User.id), col(User.name))
    people = people.where(col(User.id).in_({row.clinician_id for row in rows}))
    names = dict(work.session.execute(people).all())
    theirs = sa.select(col(Batch.visit_id), col(Batch.id)).order_by(col(Batch.created_at), col(Batch.id))
    theirs = theirs.where(col(Batch.visit_id).in_(ids), col(Batch.trashed_at).is_(None))
    batch_ids: dict[UUID, list[UUID]] = defaultdict(list)
    for visit_id, batch_id in work.session.execute(theirs):
        batch_ids[visit_id].append(batch_id)
    counts, covers = _of_visits(work, ids)
    sees_note = work.actor.role in (Role.ADMIN, Role.CLINICIAN)
    return [
        records.Visit(
            id=row.id,
            patient_id=row.patient_id,
            clinician_id=row.clinician_id,
            clinician_name=names.get(row.clinician_id, "") if row.clinician_id else "",
            visited_on=row.visited_on,
            note=row.note if sees_note else "",
            images_taken=row.images_taken,
            image_count=counts.get(row.id, 0),
            batch_ids=tuple(batch_ids[row.id]),
            cover_ids=tuple(covers[row.id]),
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def _of_visits(work: Work, ids: Sequence[UUID]) -> tuple[dict[UUID, int], dict[UUID, list[UUID]]]:
    """Return how many images each visit has, and the first three: the primary one, then the newest."""
    first = (col(Image.is_primary).desc(), col(Image.uploaded_at).desc(), col(Image.id).desc())
    place = func.row_number().over(partition_by=col(Batch.visit_id), order_by=first)
    count = func.count().over(partition_by=col(Batch.visit_id))
    placed = sa.select(col(Batch.visit_id), col(Image.id), place.label("place"), count.label("images"))
    placed = placed.join(Batch, col(Image.batch_id) == col(Batch.id))
    numbered = placed.where(col(Batch.visit_id).in_(ids), kept()).subquery()
    counts: dict[UUID, int] = {}
    covers: dict[UUID, list[UUID]] = defaultdict(list)
    wanted = sa.select(numbered).where(numbered.c.place <= COVERS).order_by(numbered.c.place)
    for visit_id, image_id, _place, images in work.session.execute(wanted):
        counts[visit_id] = images
        covers[visit_id].append(image_id)
    return counts, covers


def images(work: Work, rows: Sequence[Image]) -> list[records.Image]:
    """Return the records of images, with their patients and thumbnails."""
    batch_ids = {row.batch_id for row in rows}
    owners = {
        batch_id: (patient_id, visit_id)
        for batch_id, patient_id, visit_id in work.session.execute(
            sa.select(col(Batch.id), col(Batch.patient_id), col(Batch.visit_id)).where(
                col(Batch.id).in_(batch_ids)
            )
        )
    }
    thumbnails = {
        (each.image_id, each.edit_revision): each
        for each in work.session.exec(
            select(Rendition).where(
                col(Rendition.image_id).in_([row.id for row in rows]), Rendition.kind == "thumbnail"
            )
        )
    }
    return [_image(row, *owners[row.batch_id], thumbnails.get((row.id, row.edit_revision))) for row in rows]


def image(work: Work, row: Image) -> records.Image:
    """Return one image's record."""
    return images(work, [row])[0]


_SAME_NAMES = (
    "id", "batch_id", "original_name", "key", "mime_type", "file_size", "width", "height", "sha256",
    "crc32", "category", "caption", "image_type", "body_location", "laterality", "description",
    "is_primary", "order", "captured_at", "captured_offset", "date_taken", "camera_make",
    "camera_model", "uploaded_at", "updated_at", "version", "edit_revision", "duplicate_of",
    "browser_shows", "damaged_at", "trashed_at",
)  # fmt: skip


def _image(row: Image, patient_id: UUID, visit_id: UUID | None, thumbnail: Rendition | None) -> records.Image:
    return records.Image(
        **{name: getattr(row, name) for name in _SAME_NAMES},
        patient_id=patient_id,
        visit_id=visit_id,
        thumbnail_key=thumbnail.key if thumbnail else "",
        thumbnail_size=thumbnail.file_size if thumbnail else 0,
    )
