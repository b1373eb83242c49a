from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import pytest

from imgcore.domain.access import Role
from imgcore.errors import NotFound, Unavailable
from imgcore.services.downloads import Download
from tests.services.clinics import House, ids, photo
from tests.services.databases import on_both


def unpacked(download: Download) -> zipfile.ZipFile:
    """Stream a download, check its length and every CRC, and open it."""
    content = b"".join(download.stream())
    assert len(content) == download.content_length
    opened = zipfile.ZipFile(io.BytesIO(content))
    assert opened.testzip() is None
    return opened


@on_both
def test_a_download_holds_every_original_under_a_telling_name(clinic: House) -> None:
    batch = clinic.batch()
    day = date(2025, 11, 6)
    for seed, category in ((1, "l_anterior"), (2, "other"), (3, "l_anterior")):
        clinic.image(batch.id, seed, category=category, date_taken=day, caption="=1+1")
    opened = unpacked(clinic.services.downloads.batch(clinic.admin, batch.id))
    names = opened.namelist()
    assert names == [
        "manifest.csv",
        "2025-11-06_L-Anterior_01.jpg",
        "2025-11-06_Other_01.jpg",
        "2025-11-06_L-Anterior_02.jpg",
        "REPORT.txt",
    ]
    assert [opened.read(name) for name in names[1:4]] == [photo(1), photo(2), photo(3)]
    rows = list(csv.reader(io.StringIO(opened.read("manifest.csv").decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == names[1:4]
    assert {row[3] for row in rows[1:]} == {"'=1+1"}


def test_a_download_is_called_by_its_batch(clinic: House) -> None:
    batch = clinic.batch()
    clinic.image(batch.id)
    name = clinic.services.downloads.batch(clinic.admin, batch.id).name
    assert name == f"{batch.taken_on}_Check-up.zip"


@on_both
def test_only_what_was_chosen_is_packed(clinic: House) -> None:
    batch = clinic.batch()
    a, b, c = clinic.images(batch.id, 3)
    foreign = clinic.image()
    opened = unpacked(clinic.services.downloads.batch(clinic.admin, batch.id, [c.id, a.id]))
    assert [opened.read(name) for name in opened.namelist()[1:-1]] == [photo(0), photo(2)]
    line = clinic.events()[-1]
    assert (line.action, line.entity_ids) == ("batch.download", [str(a.id), str(c.id)])
    clinic.services.trash.images(clinic.admin, [b.id])
    for chosen in ([a.id, foreign.id], [b.id]):
        with pytest.raises(NotFound):
            clinic.services.downloads.batch(clinic.admin, batch.id, chosen)


def test_an_empty_batch_is_no_download(clinic: House) -> None:
    with pytest.raises(NotFound):
        clinic.services.downloads.batch(clinic.admin, clinic.batch().id)


def test_what_the_store_lacks_is_left_out_and_named(clinic: House) -> None:
    batch = clinic.batch()
    images = clinic.images(batch.id, 4)
    clinic.clinic.store.delete([images[0].key])
    objects = clinic.folder / "objects"
    (objects / images[1].key).write_bytes(b"cut")
    same_length = bytes(images[2].file_size)
    (objects / images[2].key).write_bytes(same_length)
    opened = unpacked(clinic.services.downloads.batch(clinic.admin, batch.id))
    packed = opened.namelist()[1:-1]
    report = opened.read("REPORT.txt").decode()
    assert [opened.read(name) for name in packed] == [same_length, photo(3)]
    assert "Files left out: 2" in report
    for number in ("01", "02", "03"):
        assert f"_Other_{number}.jpg" in report
    assert "_Other_04.jpg" not in report
    manifest = opened.read("manifest.csv").decode("utf-8-sig")
    assert [name for name in ("_01.jpg", "_02.jpg", "_03.jpg", "_04.jpg") if name in manifest] == [
        "_03.jpg",
        "_04.jpg",
    ]


def test_an_object_that_vanishes_on_the_way_breaks_the_download_off(clinic: House) -> None:
    batch = clinic.batch()
    images = clinic.images(batch.id, 2)
    download = clinic.services.downloads.batch(clinic.admin, batch.id)
    clinic.clinic.store.delete([images[1].key])
    with pytest.raises(Exception) as caught:
        b"".join(download.stream())
    assert getattr(caught.value, "code", "") in ("object_missing", Unavailable.code)


def test_a_patient_downloads_their_own(clinic: House) -> None:
    batch = clinic.batch()
    image = clinic.image(batch.id)
    own = clinic.person(Role.PATIENT, patient_id=str(batch.patient_id))
    opened = unpacked(clinic.services.downloads.batch(own, batch.id, ids([image])))
    assert len(opened.namelist()) == 3
