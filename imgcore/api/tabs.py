"""What the guard must know of open browser tabs; Streamlit knows it, so the screens' half answers."""

from __future__ import annotations

from typing import Protocol


class Tabs(Protocol):
    """The browser tabs that are connected, each by the id that Streamlit gave it."""

    def cookie(self, tab: str, name: str) -> str | None:
        """Return a cookie that the tab came with, or None when it is not connected."""

    def held(self, tab: str) -> tuple[int, int]:
        """Return how many files, and how many bytes, Streamlit holds in memory for a tab."""

    def held_in_all(self) -> int:
        """Return how many bytes Streamlit holds in memory for all tabs, the closed ones too."""

    def forget_closed(self) -> None:
        """Let go of the files of tabs that are no longer connected."""

    def is_unasked(self, message: bytes) -> bool:
        """Tell whether a tab sent a message by itself, with nobody touching the screen."""
