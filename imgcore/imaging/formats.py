"""Which format a file has, told from its first bytes and never from its name."""

from __future__ import annotations

from dataclasses import dataclass

from imgcore.errors import Damaged, UnsupportedType
from imgcore.imaging.containers import View
from imgcore.texts import _

HEAD = 1024
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIF_BRANDS = frozenset({b"mif1", b"msf1"})
BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True)
class Format:
    """An accepted format; ``decoder`` is Pillow's name of it."""

    name: str
    decoder: str
    mime_type: str
    extension: str
    browser_shows: bool = True


JPEG = Format("jpeg", "JPEG", "image/jpeg", "jpg")
PNG = Format("png", "PNG", "image/png", "png")
GIF = Format("gif", "GIF", "image/gif", "gif")
WEBP = Format("webp", "WEBP", "image/webp", "webp")
BMP = Format("bmp", "BMP", "image/bmp", "bmp")
AVIF = Format("avif", "AVIF", "image/avif", "avif")
TIFF = Format("tiff", "TIFF", "image/tiff", "tiff", browser_shows=False)
HEIC = Format("heic", "HEIF", "image/heic", "heic", browser_shows=False)
HEIF = Format("heif", "HEIF", "image/heif", "heif", browser_shows=False)

_STARTS = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)


def identify(head: bytes) -> Format:
    """Return the format of a file from its first ``HEAD`` bytes.

    ``UnsupportedType`` names what it is when it is no accepted picture.
    """
    found = next((format for start, format in _STARTS if head.startswith(start)), None)
    found = found or _webp(head) or _bitmap(head) or _boxed(head)
    if found is None:
        raise refusal(_other_kind(head))
    return found


def refusal(kind: str) -> UnsupportedType:
    """Return the error for a file that is something else; ``kind`` names it with its article."""
    return UnsupportedType(
        _("This is {kind}, not a photograph.").format(kind=kind),
        hint=_("Accepted are JPEG, PNG, GIF, WebP, HEIC, TIFF, BMP and AVIF."),
    )


def empty() -> Damaged:
    """Return the error for a file without a byte."""
    return Damaged(_("This file is empty."), hint=_("Copy it from the camera or phone again."))


def camera_raw() -> UnsupportedType:
    """Return the error for a raw file, which decoders take for the small preview inside."""
    return UnsupportedType(
        _("This is a camera raw file, not a finished photograph."),
        hint=_("Export it from the camera's program as JPEG or TIFF."),
    )


def brands(data: View) -> tuple[bytes, ...]:
    """Return the brands of a file made of boxes (ISO 14496-12), the major one first; none for others."""
    if data[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(data[:4]), HEAD)
    return (data[8:12], *(data[at : at + 4] for at in range(16, end, 4)))


def _webp(data: bytes) -> Format | None:
    return WEBP if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _bitmap(data: bytes) -> Format | None:
    # Two letters are too little to go by: a text can start with BM.
    header = int.from_bytes(data[14:18], "little")
    return BMP if data[:2] == b"BM" and header in BMP_HEADERS else None


def _boxed(data: bytes) -> Format | None:
    named = brands(data)
    if not named or named[0] not in AVIF_BRANDS | HEIC_BRANDS | HEIF_BRANDS:
        return None
    # Only a general major brand leaves it to the others to say how the picture is coded.
    telling = named if named[0] in HEIF_BRANDS else named[:1]
    if AVIF_BRANDS.intersection(telling):
        return AVIF
    return HEIC if HEIC_BRANDS.intersection(telling) else HEIF


def _other_kind(head: bytes) -> str:
    return _text_kind(head) or _boxed_kind(head) or _binary_kind(head) or _("a file of an unknown kind")


def _binary_kind(head: bytes) -> str | None:
    if b"%PDF-" in head:
        return _("a PDF document")
    if head[128:132] == b"DICM":
        return _("a DICOM file")
    kinds = {
        _("a ZIP archive or office document"): (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"),
        _("another archive"): (b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ"),
        _("an office document"): (b"\xd0\xcf\x11\xe0",),
        _("a PostScript drawing"): (b"%!", b"\xc5\xd0\xd3\xc6"),
        _("a Photoshop file"): (b"8BPS",),
        _("a program"): (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
        _("a video"): (b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"FLV"),
        _("a sound"): (b"ID3", b"OggS", b"fLaC"),
        _("a JPEG 2000 picture"): (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
        _("a JPEG XL picture"): (b"\0\0\0\x0cJXL ", b"\xff\x0a"),
        _("an icon"): (b"\0\0\x01\0",),
        _("a hidden companion file of macOS"): (b"\0\x05\x16\x07",),
    }
    return next((kind for kind, starts in kinds.items() if head.startswith(starts)), None)


def _boxed_kind(head: bytes) -> str | None:
    named = brands(head)
    if named[:1] == (b"crx ",):
        raise camera_raw()
    if named or (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[4:8] in (b"moov", b"mdat"):
        return _("a video")
    return _("a sound") if head[:4] == b"RIFF" and head[8:12] == b"WAVE" else None


def _text_kind(head: bytes) -> str | None:
    text = _as_text(head)
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n\0").lower()
    if start.startswith("%"):
        return None
    if start.startswith("<") and "<svg" in start:
        return _("an SVG drawing")
    if start.startswith(("<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<!--")):
        return _("a web page")
    if start.startswith(("#!", "<?php")):
        return _("a script")
    return _("a text file")


def _as_text(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return None
    # Old pages come in any coding, and the end of the head may cut a character.
    text = head.decode("utf-8", "replace").removesuffix("\ufffd")
    return text if text.lstrip().startswith("<") or (text and "\ufffd" not in text) else None
