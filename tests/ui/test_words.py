"""Counts and sizes as people read them, and typed text that stays text."""

from __future__ import annotations

import re

import pytest

from imgcore.ui import words


@pytest.mark.parametrize(
    ("file_size", "text"),
    [
        (0, "0 kB"),
        (1, "1 kB"),
        (820_000, "820 kB"),
        (3_400_000, "3.4 MB"),
        (82_000_000, "82 MB"),
        (1_240_000_000, "1.2 GB"),
    ],
)
def test_sizes(file_size: int, text: str) -> None:
    assert words.size(file_size) == text


def test_counts() -> None:
    assert [words.images(count) for count in (0, 1, 24)] == ["0 images", "1 image", "24 images"]
    assert words.batches(1) == "1 batch"


@pytest.mark.parametrize("text", ["*bold*", ":red[word]", "a_b_c", "[link](x)", "$x$", "`code`", "# title"])
def test_every_mark_of_typed_text_is_escaped(text: str) -> None:
    escaped = words.literal(text)
    assert re.sub(r"[\\\u2060]", "", escaped) == text
    assert re.findall(r"(?<!\\)[^\\\w\s\u2060]", escaped) == []


@pytest.mark.parametrize("text", ["a@b.example", "www.b.example", "http://b.example", ":streamlit:"])
def test_an_address_does_not_become_a_link(text: str) -> None:
    escaped = words.literal(text)
    assert "\u2060" in escaped
    assert re.sub(r"[\\\u2060]", "", escaped) == text


def test_typed_text_stays_on_one_line() -> None:
    assert words.literal("Mary\n\nKowalski") == "Mary Kowalski"
