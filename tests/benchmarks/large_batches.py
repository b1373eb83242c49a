"""Batches of thousands of images in a running clinic, made in seconds: for what is measured on them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlmodel import col

from imgcore.db.tables import Image, Rendition
from imgcore.domain.records import Batch, Patient
from imgcore.storage import original_key, rendition_key
from imgcore.storage.local import LocalFolder
from tests.benchmarks.imaging import as_jpeg, photograph
from tests.browser.desks import Desk

SEEDS = 24
SEED_SIZE = (1200, 900)
Row = dict[str, Any]


def seed(desk: Desk, patient: Patient) -> Batch:
    """Upload photographs with detail, whose thumbnails have the usual 300 pixels and weight."""
    batch = desk.batch(patient)
    desk.send(batch, {f"seed-{n}.jpg": as_jpeg(photograph(SEED_SIZE, n), 80) for n in range(SEEDS)})
    return batch


def copies(desk: Desk, seeds: Batch, patient: Patient, count: int) -> Batch:
    """Return a batch with copies of the seeds: rows of their own, and files of their own in the store.

    Every thumbnail is a file with a key of its own; of the originals, which nothing here reads, a link.
    """
    store = desk.visits.clinic.store
    if not isinstance(store, LocalFolder):
        raise TypeError("files are copied in a local folder only")
    batch = desk.batch(patient)
    images, thumbnails = _rows(desk, seeds)
    pairs = list(_copied(store.root, images, thumbnails, batch, count))
    with desk.visits.clinic.database.write() as session:
        for table, place in ((Image, 0), (Rendition, 1)):
            session.execute(sa.insert(table), [pair[place] for pair in pairs])
    return desk.visits.clinic.services.batches.get(desk.actor, batch.id)


def _rows(desk: Desk, batch: Batch) -> tuple[list[Row], dict[UUID, Row]]:
    with desk.visits.clinic.database.read() as session:
        found = session.execute(sa.select(Image).where(col(Image.batch_id) == batch.id)).scalars()
        images = [each.model_dump() for each in found]
        ids = [each["id"] for each in images]
        made = session.execute(sa.select(Rendition).where(col(Rendition.image_id).in_(ids))).scalars()
        return images, {each.image_id: each.model_dump() for each in made if each.kind == "thumbnail"}


def _copied(
    root: Path, images: list[Row], thumbnails: dict[UUID, Row], batch: Batch, count: int
) -> Iterator[tuple[Row, Row]]:
    for number in range(count):
        image = images[number % len(images)]
        thumbnail = thumbnails[image["id"]]
        image_id = uuid4()
        key = original_key(batch.patient_id, batch.id, image_id, image["key"].rpartition(".")[2])
        thumbnail_key = rendition_key(key, "thumbnail", 0)
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        os.link(root / image["key"], root / key)
        shutil.copyfile(root / thumbnail["key"], root / thumbnail_key)
        changed = {"id": image_id, "batch_id": batch.id, "key": key, "order": number + 1}
        yield image | changed, thumbnail | {"image_id": image_id, "key": thumbnail_key}
