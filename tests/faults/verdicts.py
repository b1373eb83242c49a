"""What must hold after every fault: nothing lost, nothing listed without its bytes, nothing stray."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from sqlmodel import select

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.tables import Image, Rendition
from imgcore.domain.access import system
from imgcore.services.images import Filter
from imgcore.services.pages import Turn
from imgcore.services.work import utc_now

PATIENCE = 40.0
Found = TypeVar("Found")


@contextmanager
def opened(folder: Path, env: Mapping[str, str], clock: Callable[[], datetime] = utc_now) -> Iterator[Clinic]:
    """Open the clinic of a server, beside it or after its end."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in env.items():
            environment.setenv(name, value)
        clinic = bootstrap.build(load_settings(data_dir=folder / "data"), clock=clock)
        try:
            yield clinic
        finally:
            clinic.close()


def judge(folder: Path, env: Mapping[str, str], kept: Mapping[str, str], batch: str = "") -> list[UUID]:
    """Sweep as the only server that is left, then look at everything; return the ids that ``batch`` lists.

    ``kept`` is the SHA-256 of every image that was acknowledged, by its id.
    """
    with opened(folder, env) as clinic:
        clinic.services.sweeps.run(system(), started_at=clinic.built_at)
        wrong = [*_lost(clinic, kept), *_stray(clinic)]
        assert not wrong, f"{len(wrong)} faults: {wrong[:10]}"
        clinic.services.seals.run(system())
        sealed = clinic.services.audit.verify(system())
        assert not sealed.findings, sealed
        return _listed(clinic, UUID(batch)) if batch else []


def _lost(clinic: Clinic, kept: Mapping[str, str]) -> Iterator[str]:
    """Name what was acknowledged and is not there, and what is listed without the bytes that were sent."""
    with clinic.database.read() as session:
        rows = {
            str(image_id): (key, sha256, state)
            for image_id, key, sha256, state in session.exec(
                select(Image.id, Image.key, Image.sha256, Image.state)
            )
        }
        thumbnails = {
            str(image_id): (key, size)
            for image_id, key, size in session.exec(
                select(Rendition.image_id, Rendition.key, Rendition.file_size).where(
                    Rendition.kind == "thumbnail"
                )
            )
        }
    for image_id, sha256 in kept.items():
        if rows.get(image_id, ("", "", ""))[1:] != (sha256, "ready"):
            yield f"acknowledged and lost or changed: {image_id}"
    for image_id, (key, sha256, state) in rows.items():
        if state != "ready":
            yield f"{state} after the sweep: {image_id}"
        elif _digest(clinic, key) != sha256:
            yield f"listed without its bytes: {image_id}"
        elif image_id not in thumbnails:
            yield f"listed without a thumbnail: {image_id}"
        else:
            info = clinic.store.info(thumbnails[image_id][0])
            if info is None or info.size != thumbnails[image_id][1]:
                yield f"thumbnail gone or cut: {image_id}"


def _digest(clinic: Clinic, key: str) -> str:
    digest = hashlib.sha256()
    with clinic.store.read(key) as chunks:
        for chunk in chunks:
            digest.update(chunk)
    return digest.hexdigest()


def _stray(clinic: Clinic) -> Iterator[str]:
    """Name objects without a row, rows without an object, and temporary files."""
    with clinic.database.read() as session:
        named = {*session.exec(select(Image.key)), *session.exec(select(Rendition.key))}
    stored = {info.key for info in clinic.store.walk()}
    yield from (f"orphan: {key}" for key in stored - named)
    yield from (f"missing: {key}" for key in named - stored)
    yield from (f"left: {path.name}" for path in clinic.services.settings.temporary_dir.iterdir())


def _listed(clinic: Clinic, batch_id: UUID) -> list[UUID]:
    found: list[UUID] = []
    turn = Turn(page_size=100)
    while True:
        page = clinic.services.images.list(system(), Filter(batch_id=batch_id), turn)
        found += [each.id for each in page.items]
        if not page.next_cursor:
            return found
        turn = Turn(page_size=100, cursor=page.next_cursor)


def eventually(look: Callable[[], Found], is_right: Callable[[Found], bool]) -> Found:
    """Look again and again until what is found is right; return it."""
    deadline = time.monotonic() + PATIENCE
    while not is_right(found := look()):
        assert time.monotonic() < deadline, f"still {found!r}"
        time.sleep(0.1)
    return found
