"""What labels and risk levels are called, and in which colour a level stands."""

from __future__ import annotations

from typing import Literal

from imgcore.texts import _


def plain(label: str) -> str:
    """Return a label of an analyser as people write: "Melanocytic nevus"."""
    text = " ".join(label.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def risk_name(level: str) -> str:
    """Return what a risk level is called: "High risk"."""
    names = {
        "low": _("Low risk"),
        "moderate": _("Moderate risk"),
        "medium": _("Moderate risk"),
        "high": _("High risk"),
    }
    return names.get(level.casefold(), _("Risk: {level}").format(level=plain(level)))


def colour(level: str) -> Literal["green", "orange", "red", "gray"]:
    """Return the colour of a risk level's badge; grey for one that is not known."""
    return _COLOURS.get(level.casefold(), "gray")


_COLOURS: dict[str, Literal["green", "orange", "red"]] = {
    "low": "green",
    "moderate": "orange",
    "medium": "orange",
    "high": "red",
}
