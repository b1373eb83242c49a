from __future__ import annotations

import struct

import pytest
from PIL import Image

from imgcore.errors import Damaged, FileRefused, ImgcoreError, TooManyPixels, UnsupportedType
from imgcore.imaging import Limits
from tests.imaging.conftest import Prepare
from tests.imaging.pictures import animated, chunk, every_format, noise, saved, with_chunk

NAMES = tuple(every_format())
# Pillow pads the last page of a TIFF; a cut through the padding takes nothing from the picture.
PADDING = 16


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_file_is_accepted(name: str, prepared: Prepare) -> None:
    prepared(every_format()[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_file_is_refused_wherever_it_is_cut(name: str, prepared: Prepare) -> None:
    content = every_format()[name]
    spared = PADDING if name == "tiff pages" else 0
    last = len(content) - 1 - spared
    places = {*range(1, last, max(1, last // 25)), *range(12, 40), *range(last - 12, last + 1)}
    for place in sorted(places):
        with pytest.raises(FileRefused):
            prepared(content[:place])


@pytest.mark.parametrize("name", NAMES)
def test_a_nurse_is_told_that_a_cut_file_is_cut_or_damaged(name: str, prepared: Prepare) -> None:
    content = every_format()[name]
    with pytest.raises(Damaged, match=r"cut short|damaged"):
        prepared(content[: len(content) * 2 // 3])


@pytest.mark.parametrize("name", ["heic", "avif"])
def test_a_cut_is_noticed_where_the_last_box_has_no_length_of_its_own(name: str, prepared: Prepare) -> None:
    content = every_format()[name]
    start = content.index(b"mdat") - 4
    open_ended = content[:start] + bytes(4) + content[start + 4 :]
    prepared(open_ended)
    for missing in (1, 100, 5000):
        with pytest.raises(Damaged, match="cut short"):
            prepared(open_ended[:-missing])


@pytest.mark.parametrize(
    "trailer",
    [
        b"\0",
        bytes(4096),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500),
        b"Image_UTC_Data1700000000000SEFHe\0\0\0\1\0\0\0SEFT",
        b"\xff\xd8\xff\xe0\0\x10JFIF and then nothing",
    ],
    ids=["byte", "zeros", "film", "notes of the phone", "half a second picture"],
)
@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "mpo", "heic", "png", "webp", "gif"])
def test_what_phones_append_to_a_photograph_does_not_refuse_it(
    name: str, trailer: bytes, prepared: Prepare
) -> None:
    prepared(every_format()[name] + trailer)


def without_decoder(*_arguments: object, **_options: object) -> Image.Image:
    raise AssertionError("the decoder was asked although the header says that the picture is too large")


def patched(content: bytes, at: int, code: str, *values: int) -> bytes:
    size = struct.calcsize(code)
    return content[:at] + struct.pack(code, *values) + content[at + size :]


def bombs() -> dict[str, bytes]:
    files = every_format()
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    tiff, jpeg, heic, avif = files["tiff"], files["jpeg"], files["heic"], files["avif"]
    directory = struct.unpack_from("<I", tiff, 4)[0] + 2
    width = next(at for at in range(directory, directory + 240, 12) if tiff[at : at + 2] == b"\0\1")
    frame = gif_frame(files["gif"])
    return {
        "png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b""),
        "jpeg": patched(jpeg, jpeg.index(b"\xff\xc0") + 5, ">HH", 50_000, 50_000),
        "gif screen": patched(files["gif"], 6, "<HH", 50_000, 50_000),
        "gif frame": patched(files["gif"], frame + 5, "<HH", 50_000, 50_000),
        "webp": patched(files["webp"], 26, "<HH", 16_000, 16_000),
        "webp lossless": patched(files["webp lossless"], 21, "<I", 15_999 | 15_999 << 14),
        "webp animated": patched(files["webp animated"], 24, "<IH", 0x3E7F | 0x7F << 24, 0x3E),
        "bmp": patched(files["bmp"], 18, "<ii", 50_000, 50_000),
        "bmp upside down": patched(files["bmp"], 18, "<ii", 50_000, -50_000),
        "tiff": patched(patched(tiff, width + 2, "<HII", 4, 1, 50_000), width + 14, "<HII", 4, 1, 50_000),
        "heic": patched(heic, heic.index(b"ispe") + 8, ">II", 50_000, 50_000),
        "avif": patched(avif, avif.index(b"ispe") + 8, ">II", 50_000, 50_000),
    }


def gif_frame(gif: bytes) -> int:
    """Return where the first frame of a GIF begins."""
    return gif.index(b"\x2c\0\0\0\0", 13)


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_before_a_decoder_sees_it(
    name: str, prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", without_decoder)
    with pytest.raises(TooManyPixels, match="megapixels; at most 64 are accepted"):
        prepared(bombs()[name])


def test_the_limit_of_pixels_is_exact(prepared: Prepare) -> None:
    content = every_format()["jpeg"]
    prepared(content, Limits(max_pixels=400 * 300))
    with pytest.raises(TooManyPixels, match=r"0\.1 megapixels"):
        prepared(content, Limits(max_pixels=400 * 300 - 1))


@pytest.mark.parametrize(
    "name", ["gif animated", "webp animated", "png animated", "tiff pages", "avif animated"]
)
def test_the_limit_of_frames_is_exact(name: str, prepared: Prepare) -> None:
    content = every_format()[name]
    assert prepared(content, Limits(max_frames=3)).facts.frames == 3
    with pytest.raises(TooManyPixels, match="more than 2 frames"):
        prepared(content, Limits(max_frames=2))


def test_half_a_million_frames_are_refused_before_a_decoder_sees_them(
    prepared: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", without_decoder)
    gif = saved(Image.new("L", (1, 1)), "GIF")
    frame = gif[gif_frame(gif) : -1]
    with pytest.raises(TooManyPixels):
        prepared(gif[:-1] + frame * 500_000 + b";")


def test_a_tiff_whose_pages_go_in_a_circle_ends(prepared: Prepare) -> None:
    content = animated("TIFF")
    first = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, first)[0]
    second = struct.unpack_from("<I", content, first + 2 + 12 * count)[0]
    count = struct.unpack_from("<H", content, second)[0]
    circle = patched(content, second + 2 + 12 * count, "<I", first)
    assert prepared(circle).facts.frames == 2


@pytest.mark.parametrize("tags", [{50706: 1}, {254: 1, 330: 8}], ids=["DNG", "preview of a raw file"])
def test_a_raw_file_is_not_taken_for_its_preview(tags: dict[int, int], prepared: Prepare) -> None:
    directory = Image.Exif()
    for tag, value in tags.items():
        directory[tag] = value
    with pytest.raises(UnsupportedType, match="camera raw file"):
        prepared(saved(noise((160, 120)), "TIFF", exif=directory))


def test_the_index_of_dropped_pictures_does_not_refuse_the_one_that_was_kept(prepared: Prepare) -> None:
    both = every_format()["mpo"]
    first = both[: both.index(b"\xff\xd9\xff\xd8") + 2]
    assert prepared(first).facts.width == 400


def test_metadata_of_a_png_with_a_wrong_checksum_is_passed_over(prepared: Prepare) -> None:
    good = with_chunk(every_format()["png"], b"tEXt", b"Author\0somebody")
    prepared(good.replace(b"somebody", b"nobody!!"))


@pytest.mark.parametrize(("name", "part"), [("png", b"IDAT"), ("png palette", b"PLTE")])
def test_pixels_of_a_png_with_a_wrong_checksum_are_damage(name: str, part: bytes, prepared: Prepare) -> None:
    content = bytearray(every_format()[name])
    content[content.index(part) + 20] ^= 1
    with pytest.raises(Damaged):
        prepared(bytes(content))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"Comment\0\0" + b"broken"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + b"broken"),
        (b"iCCP", b"profile\0\0" + b"broken"),
        (b"iCCP", b"profile\0\7"),
        (b"pHYs", b"\0"),
        (b"gAMA", b""),
        (b"cHRM", b"\xff"),
        (b"acTL", b"\0\0\0\1\0\0\0\0"),
        (b"tEXt", bytes(3_000_000)),
    ],
)
def test_broken_metadata_of_a_png_never_refuses_it(kind: bytes, body: bytes, prepared: Prepare) -> None:
    prepared(with_chunk(every_format()["png"], kind, body))


def test_broken_metadata_of_a_jpeg_never_refuses_it(prepared: Prepare) -> None:
    content = every_format()["jpeg"]
    for marker, body in (
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<broken"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"ICC_PROFILE\0\1\1not a profile"),
        (0xE2, b"MPF\0MM\0*\xff\xff\xff\xff"),
        (0xE2, b"MPF\0"),
        (0xED, b"Photoshop 3.0\0008BIM\xff\xff\xff"),
        (0xFE, b"\xff\xfe\0 comment"),
    ):
        segment = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        prepared(content[:2] + segment + content[2:])


def test_padding_between_the_segments_of_a_jpeg_is_allowed(prepared: Prepare) -> None:
    content = every_format()["jpeg"]
    prepared(content[:2] + b"\xff" * 7 + content[2:])


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_the_right_length_and_the_wrong_content_raises_only_our_errors(
    name: str, prepared: Prepare
) -> None:
    content = every_format()[name]
    for start in (16, 40, len(content) // 3):
        with_hole = content[:start] + bytes(len(content) - start)
        try:
            prepared(with_hole)
        except ImgcoreError:
            continue
