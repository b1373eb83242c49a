"""What is offered for a photograph's place and kind; a clinic types its own words as well."""

from __future__ import annotations

from imgcore.texts import _


def body_locations() -> list[str]:
    """Return parts of the body, from the foot upwards."""
    return [
        _("Foot"), _("Toes"), _("Heel"), _("Sole"), _("Instep"), _("Ankle"), _("Lower leg"), _("Knee"),
        _("Thigh"), _("Hip"), _("Trunk"), _("Back"), _("Shoulder"), _("Arm"), _("Hand"), _("Face"),
    ]  # fmt: skip


def image_types() -> list[str]:
    """Return what kind of picture it can be."""
    return [
        _("Photo"), _("Close-up"), _("Before treatment"), _("After treatment"), _("Dermatoscopy"),
        _("X-ray"), _("Scan"), _("Document"), _("Screenshot"),
    ]  # fmt: skip


def sides() -> dict[str, str]:
    """Return the word for each side of the body by its code; none is a dash."""
    return {"": "–", "L": _("Left"), "R": _("Right"), "B": _("Both"), "U": _("Not known")}


def with_own(offered: list[str], own: str) -> list[str]:
    """Return what is offered, with what somebody has typed before as the first when it is not among it."""
    return offered if own in ("", *offered) else [own, *offered]
