"""Second places: where a clinic is brought back, on either database and in any store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.db.tables import Image, Patient
from imgcore.domain.access import system
from imgcore.domain.copies import Manifest
from imgcore.domain.findings import Finding
from imgcore.services.checks import Options
from tests.services.clinics import House, open_house

Buckets = Callable[[], str]


def restore(
    folder: Path, source: Path, url: str = "", storage_url: str = "", identity: Path | None = None
) -> Manifest:
    """Bring a copy back in a folder where there is no clinic."""
    settings = load_settings(data_dir=folder, database_url=url, storage_url=storage_url)
    with bootstrap.restoring(settings) as restores:
        return restores.run(system(), source, identity)


@contextmanager
def restored(folder: Path, source: Path, url: str = "", storage_url: str = "") -> Iterator[House]:
    """Bring a copy back, and open the clinic that it makes."""
    restore(folder, source, url, storage_url)
    with open_house(folder, url, storage_url=storage_url) as house:
        yield house


def furnished(house: House) -> House:
    """Give a clinic patients, images, one in the trash, one replaced caption, and people."""
    for name, mrn in (("Ada Novak", "1"), ("Жанна Д'Арк", None), ("王小明 / con", "3")):
        batch = house.batch(house.patient(name, mrn=mrn, notes="äöü\n\u2028x"))
        images = house.images(batch.id, 3, first=hash(name) % 1000)
        house.services.trash.images(house.admin, [images[0].id])
    house.services.seals.run(system())
    return house


def findings(house: House, options: Options | None = None) -> list[Finding]:
    """Return all that a check finds."""
    found: list[Finding] = []
    house.services.checks.run(system(), options or Options(), tell=found.append)
    return found


def originals(house: House) -> dict[str, str]:
    """Return the SHA-256 of every stored original that is listed, by its key."""
    return {row.key: sha256(house, row.key) for row in house.rows(Image, Image.state == "ready")}


def sha256(house: House, key: str) -> str:
    """Return the digest of a stored object."""
    with house.clinic.store.read(key) as chunks:
        return hashlib.sha256(b"".join(chunks)).hexdigest()


def people(house: House) -> list[tuple[str, str | None]]:
    """Return who the patients are."""
    return sorted((row.name, row.mrn) for row in house.rows(Patient))
