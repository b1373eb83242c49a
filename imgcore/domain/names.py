"""File names that every computer accepts, and short forms of a person's name."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

LONGEST_BYTES = 255

_REFUSED_CHARACTERS = frozenset('<>:"/\\|?*')
# Control characters, halves of surrogate pairs, unassigned ones, and the invisible ones that can turn
# a name round on the screen.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"})
# Joiners are invisible too, but Persian and the scripts of India are spelt with them.
_JOINERS = frozenset("\u200c\u200d")
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)
_LONGEST_EXTENSION = 10
_LONGEST_NUMBER = 8


@dataclass(frozen=True)
class EntryLabel:
    """What the name of one image inside an archive is made of; the extension has no dot."""

    taken_on: date | None
    category_label: str
    extension: str


def entry_names(items: Sequence[EntryLabel]) -> list[str]:
    """Return a name for each image, in order, such as ``2025-11-06_L-Anterior_01.jpg``.

    Images of the same day and category are numbered. No two names are equal, not even for a
    computer that ignores case or spells accents its own way.
    """
    stems = [_stem(item) for item in items]
    totals = Counter(same_name(stem) for stem in stems)
    seen: Counter[str] = Counter()
    names = []
    for item, stem in zip(items, stems, strict=True):
        group = same_name(stem)
        seen[group] += 1
        width = max(2, len(str(totals[group])))
        names.append(f"{stem}_{seen[group]:0{width}}{_extension(item.extension)}")
    return names


def safe_file_name(text: str, max_bytes: int = LONGEST_BYTES) -> str:
    """Return ``text`` as a file name for Windows, macOS and Linux, at most ``max_bytes`` of UTF-8.

    A short extension survives the shortening. A text of which nothing is left becomes ``unnamed``.
    """
    stem, dot, extension = _cleaned(text).rpartition(".")
    if not (stem and extension.isalnum() and len(extension.encode()) <= _LONGEST_EXTENSION):
        stem, dot, extension = stem + dot + extension, "", ""
    ending = dot + extension
    name = _shortened(stem, max_bytes - len(ending.encode())) + ending
    if name.partition(".")[0].rstrip().upper() in _DEVICES:
        name = "_" + _shortened(stem, max_bytes - len(ending.encode()) - 1) + ending
    return name


def same_name(name: str) -> str:
    """Return a form that is equal for two names that any usual file system takes for one."""
    wide = unicodedata.normalize("NFKC", name).upper().casefold()
    return unicodedata.normalize("NFKC", wide)


def initials(name: str) -> str:
    """Return the initials of a person: ``Mary Kowalski`` gives ``M. K.``, ``Anne-Marie`` ``A.-M.``."""
    return " ".join(filter(None, map(_initial, _words(name))))


def short_name(name: str) -> str:
    """Return the first name and the initial of the last: ``Mary K.``.

    One word alone gives its initial, because it can be a surname or, in Chinese, the whole name.
    """
    words = [word for word in _words(name) if _initial(word)]
    if len(words) < 2:
        return initials(name)
    return f"{words[0]} {_initial(words[-1])}"


def _stem(item: EntryLabel) -> str:
    day = item.taken_on.isoformat() if item.taken_on else "undated"
    room = LONGEST_BYTES - _LONGEST_NUMBER - 1 - _LONGEST_EXTENSION
    return f"{day}_{_shortened(_cleaned(item.category_label), room - len(day) - 1)}"


def _extension(extension: str) -> str:
    letters = "".join(c for c in extension.lower() if c.isascii() and c.isalnum())
    return f".{letters[:_LONGEST_EXTENSION]}" if letters else ""


def _cleaned(text: str) -> str:
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join("_" if _is_refused(c) else c for c in spaced).strip(" .")


@lru_cache(maxsize=4096)
def _is_refused(character: str) -> bool:
    if character in _JOINERS:
        return False
    return character in _REFUSED_CHARACTERS or unicodedata.category(character) in _REFUSED_CATEGORIES


def _shortened(text: str, max_bytes: int) -> str:
    kept = text.encode()[: max(max_bytes, 0)].decode(errors="ignore")
    return kept.rstrip(" .") or "unnamed"


def _words(name: str) -> list[str]:
    """Split a name into words, given names first also when it is written ``Kowalski, Mary``."""
    last, comma, first = unicodedata.normalize("NFC", name).partition(",")
    return (f"{first} {last}" if comma else last).split()


def _initial(word: str) -> str:
    letters = [_first_letter(part) for part in word.replace("\u2010", "-").split("-")]
    return "-".join(f"{letter}." for letter in letters if letter)


def _first_letter(part: str) -> str:
    """Return the first letter with the marks that belong to it, or nothing when there is none."""
    start = next((i for i, c in enumerate(part) if c.isalnum()), len(part))
    end = start + 1
    while end < len(part) and unicodedata.category(part[end]).startswith("M"):
        end += 1
    return part[start:end].upper()
