"""The upload component: drop, check, describe, send, and see what became of each photograph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import streamlit as st

from imgcore.config import Settings
from imgcore.domain.categories import CategorySet
from imgcore.domain.records import Batch
from imgcore.texts import _
from imgcore.ui.components import groups, script, style

ACCEPT = "image/*,.heic,.heif,.tif,.tiff,.bmp,.avif,.mpo"


def upload(
    batch: Batch,
    person: str,
    categories: CategorySet,
    settings: Settings,
    *,
    key: str,
    body_locations: Sequence[str],
    image_types: Sequence[str],
    sides: Mapping[str, str],
    on_finished: Callable[[], None],
    on_second_batch: Callable[[], None],
) -> Any:
    """Draw the dropzone of a batch; ``person`` is how the button names the patient.

    The answer has ``finished`` ({"stored", "of"}) after an upload and ``second_batch`` ({"day"})
    when another batch is wanted for another day.
    """
    data = {
        "batch_id": str(batch.id),
        "upload_path": f"/api/images/batches/{batch.id}/upload/",
        "taken_on": batch.taken_on.isoformat(),
        "person": person,
        "last_order": batch.last_order,
        "accept": ACCEPT,
        "max_file_bytes": settings.max_file_bytes,
        "default_category": categories.default,
        "groups": groups(categories),
        "body_locations": list(body_locations),
        "image_types": list(image_types),
        "sides": list(sides.items()),
        "locale": "en-GB",
        "texts": _texts() | _states() | _counted(),
    }
    return _component()(
        key=key, data=data, on_finished_change=on_finished, on_second_batch_change=on_second_batch
    )


@cache
def _component() -> Any:
    return st.components.v2.component(
        "imgcore_upload",
        css=style("upload/upload.css"),
        js=script("upload/photos.js", "upload/sending.js", "upload/upload.js"),
    )


def _texts() -> dict[str, str]:
    return {
        "drop": _("Drop photos or a folder here, paste, or"),
        "browse": _("browse"),
        "folder": _("choose a folder"),
        "camera": _("take a photo"),
        "formats": _("JPEG, PNG, HEIC, WebP, GIF, TIFF, BMP, AVIF · up to {most} each"),
        "for_all": _("For all photos"),
        "category": _("Category"),
        "body_location": _("Body location"),
        "image_type": _("Type"),
        "caption": _("Caption"),
        "laterality": _("Side"),
        "description": _("Description"),
        "primary": _("Primary image"),
        "more_fields": _("Body location, type, side and description"),
        "not_primary": _("Stored, but not marked as the primary image"),
        "chosen": _("Chosen photos"),
        "clear": _("Clear"),
        "dismiss": _("Done"),
        "cancel": _("Cancel"),
        "progress": _("Upload progress"),
        "done_of": _("{count} of {total}"),
        "leave_out": _("Leave out"),
        "keep": _("Keep both"),
        "skip": _("Skip"),
        "existing": _("The photo that is already there"),
        "too_large": _("Larger than {most}"),
        "not_a_picture": _("Not a photo of an accepted format"),
        "other_day": _("{count} of {total} photos were taken on {day}."),
        "other_days": _("{count} of {total} photos were taken on other days."),
        "second_batch": _("Make a second batch?"),
    }


def _states() -> dict[str, str]:
    return {
        "state_waiting": _("Waiting"),
        "state_sending": _("Sending"),
        "state_stored": _("Stored"),
        "state_there": _("Already in this batch"),
        "state_refused": _("Refused"),
        "state_failed": _("Failed"),
        "state_cancelled": _("Cancelled"),
    }


def _counted() -> dict[str, list[str]]:
    return {
        "upload": [_("Upload 1 image to {person}"), _("Upload {count} images to {person}")],
        "retry": [_("Retry 1 failed"), _("Retry {count} failed")],
        "more": [_("1 more"), _("{count} more")],
        "show_stored": [_("Show 1 stored"), _("Show {count} stored")],
        "sum_stored": [_("1 stored"), _("{count} stored")],
        "sum_there": [_("1 already there"), _("{count} already there")],
        "sum_refused": [_("1 refused"), _("{count} refused")],
        "sum_failed": [_("1 failed"), _("{count} failed")],
        "sum_cancelled": [_("1 cancelled"), _("{count} cancelled")],
    }
