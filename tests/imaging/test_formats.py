from __future__ import annotations

import io
import zipfile

import pytest

from imgcore.errors import Damaged, UnsupportedType
from tests.imaging.conftest import Prepare
from tests.imaging.pictures import every_format, noise, saved


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("photo.jpg", b"not a photograph")
    return buffer.getvalue()


REFUSED = {
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "This is a PDF document, not a photograph."),
    "ZIP": (archive(), "This is a ZIP archive or office document, not a photograph."),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "This is a PostScript drawing"),
    "EPS with preview": (b"\xc5\xd0\xd3\xc6\x20\0\0\0" + bytes(64), "This is a PostScript drawing"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "This is an SVG drawing"),
    "SVG with preamble": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg/>', "This is an SVG drawing"),
    "SVG in UTF-16": ("\ufeff<svg onload='x'/>".encode("utf-16-le"), "This is an SVG drawing"),
    "HTML": (b"\r\n <!DOCTYPE html><script>1</script>", "This is a web page"),
    "HTML, old": (b"<html><body>caf\xe9</body>", "This is a web page"),
    "shell": (b"#!/bin/sh\nrm -r /\n", "This is a script"),
    "PHP": (b"<?php echo 1; ?>", "This is a script"),
    "text": ("Ödem am linken Fuß".encode(), "This is a text file"),
    "text that starts like a bitmap": (b"BMI 27.4, weight 81 kg, height 172 cm", "This is a text file"),
    "Photoshop": (b"8BPS\0\1" + bytes(40), "This is a Photoshop file"),
    "Windows program": (b"MZ\x90\0" + bytes(60), "This is a program"),
    "Linux program": (b"\x7fELF\2\1\1" + bytes(60), "This is a program"),
    "DICOM": (bytes(128) + b"DICM\2\0", "This is a DICOM file"),
    "video": (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "This is a video"),
    "video of an iPhone": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "This is a video"),
    "raw of Canon": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "This is a camera raw file"),
    "companion of macOS": (b"\0\5\x16\7\0\2\0\0Mac OS X", "This is a hidden companion file of macOS"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "This is a JPEG 2000 picture"),
    "icon": (saved(noise((32, 32)), "ICO"), "This is an icon"),
    "noise": (bytes(range(7, 250)), "This is a file of an unknown kind"),
    "one byte": (b"\xff", "This is a file of an unknown kind"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photograph_is_refused_by_name(name: str, prepared: Prepare) -> None:
    content, message = REFUSED[name]
    with pytest.raises(UnsupportedType) as refused:
        prepared(content)
    assert refused.value.message.startswith(message)
    assert refused.value.hint


def test_an_empty_file_is_refused_as_empty(prepared: Prepare) -> None:
    with pytest.raises(Damaged, match="This file is empty"):
        prepared(b"")


TYPES = {
    "jpeg": ("image/jpeg", "jpg", True),
    "mpo": ("image/jpeg", "jpg", True),
    "png": ("image/png", "png", True),
    "gif": ("image/gif", "gif", True),
    "webp": ("image/webp", "webp", True),
    "avif": ("image/avif", "avif", True),
    "bmp": ("image/bmp", "bmp", True),
    "tiff": ("image/tiff", "tiff", False),
    "heic": ("image/heic", "heic", False),
    # Browsers show the colours of print each in its own way.
    "jpeg cmyk": ("image/jpeg", "jpg", False),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_bytes_decide_the_type_and_not_the_name(name: str, prepared: Prepare) -> None:
    facts = prepared(every_format()[name]).facts
    assert (facts.mime_type, facts.extension, facts.browser_shows) == TYPES[name]


def test_a_picture_with_a_page_hidden_in_it_is_still_only_a_picture(prepared: Prepare) -> None:
    facts = prepared(every_format()["gif"] + b"<html><script>alert(1)</script>").facts
    assert facts.mime_type == "image/gif"


@pytest.mark.parametrize(
    ("major", "others", "mime_type"),
    [
        (b"mif1", b"mif1heic", "image/heic"),
        (b"mif1", b"mif1miaf", "image/heif"),
        (b"heix", b"mif1heix", "image/heic"),
    ],
)
def test_the_brands_of_a_heif_file_tell_its_type(
    major: bytes, others: bytes, mime_type: str, prepared: Prepare
) -> None:
    heic = every_format()["heic"]
    size = int.from_bytes(heic[:4])
    padded = others + b"\0" * (size - 16 - len(others))
    assert prepared(heic[:8] + major + heic[12:16] + padded + heic[size:]).facts.mime_type == mime_type
