"""What a tab sends by itself is told apart from what a person does."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from imgcore.api.tabs import Tabs
from imgcore.ui import tabs


def rerun(*, by_itself: bool) -> BackMsg:
    """Return what a click sends, or a fragment that repeats."""
    message = BackMsg()
    message.rerun_script.is_auto_rerun = by_itself
    return message


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (rerun(by_itself=True), True),
        (rerun(by_itself=False), False),
        (BackMsg(app_heartbeat=True), True),
        (BackMsg(clear_cache=True), False),
        (BackMsg(), False),
    ],
    ids=str,
)
def test_only_what_a_person_does_counts_as_use(message: BackMsg, wanted: bool) -> None:
    assert tabs.is_unasked(message.SerializeToString()) is wanted


def test_noise_is_nobodys_use() -> None:
    assert tabs.is_unasked(b"\xff\xff")


def test_the_guard_gets_what_it_asks_for() -> None:
    known: Tabs = tabs
    assert known is tabs
