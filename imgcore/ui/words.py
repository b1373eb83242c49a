"""Counts, sizes and typed text as they stand in a sentence on a screen."""

from __future__ import annotations

import re

from imgcore.texts import _, ngettext

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
# Streamlit looks for addresses and icon names even in escaped text: ":streamlit:", "a@b.example",
# "www.example.com". An invisible joiner keeps them apart, and shows nothing.
_JOINER = "\u2060"
_SPECIAL = re.compile(r"(?<=:)(?=[A-Za-z/])|(?=@)|(?<=www)(?=\.)", re.IGNORECASE)


def images(count: int) -> str:
    """Return "1 image" or "24 images"."""
    return ngettext("{count} image", "{count} images", count)


def batches(count: int) -> str:
    """Return "1 batch" or "6 batches"."""
    return ngettext("{count} batch", "{count} batches", count)


def visits(count: int) -> str:
    """Return "1 visit" or "6 visits"."""
    return ngettext("{count} visit", "{count} visits", count)


def uncategorised(count: int) -> str:
    """Return "5 without category"."""
    return ngettext("{count} without category", "{count} without category", count)


def size(file_size: int) -> str:
    """Return a number of bytes as people read it: "820 kB", "3.4 MB", "82 MB", "1.2 GB"."""
    for unit, bytes_each in ((_("GB"), 1e9), (_("MB"), 1e6)):
        if file_size >= bytes_each:
            value = file_size / bytes_each
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{max(1, round(file_size / 1e3))} {_('kB')}" if file_size else f"0 {_('kB')}"


def literal(text: str) -> str:
    """Return typed text so that Streamlit's Markdown shows it letter by letter, on one line."""
    return _MARKS.sub(r"\\\1", _SPECIAL.sub(_JOINER, " ".join(text.split())))
