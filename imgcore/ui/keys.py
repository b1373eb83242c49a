"""The names of all widgets and of all that a tab remembers, made here so that no two are the same."""

from __future__ import annotations

# What a tab remembers between runs.
PLACE = "place"
MOVE = "move"
SCREEN = "screen"
OPENED = "opened"
DIALOG = "dialog"
NOTICE = "notice"
FAULT = "fault"
LEAVING = "leaving"
IMAGES_CHANGED = "images-changed"
RUN = "run"

# Widgets of which there is one on a screen.
PRIVACY = "privacy"
FIND = "find"
RECENT = "recent"
FILTER = "filter"
TRASH_KIND = "kind"


def key(*parts: object) -> str:
    """Return the key of a widget of which there are many: what it is for, then whose it is."""
    return "-".join(str(part) for part in parts)
