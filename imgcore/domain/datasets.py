"""The clinic's records as tables for programs: which there are, their columns, and of what kind these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args
from uuid import UUID

Name = Literal["images", "batches", "patients", "analyses", "events"]
FileForm = Literal["csv", "parquet"]
Form = Literal["frame"] | FileForm
# A day has no hour, a moment is in UTC, and the camera's clock is in no time zone that is known.
Kind = Literal["id", "code", "text", "whole", "real", "flag", "day", "moment", "clock"]
Lot = Sequence[Sequence[Any]]  # some rows, column by column
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True)
class Column:
    """One column; reviewers find it filled only where ``is_passed_on``."""

    name: str
    kind: Kind
    about: str
    is_passed_on: bool = False


@dataclass(frozen=True)
class Dataset:
    """One table: a row for each of what ``about`` says; ``day`` is the column that days filter by."""

    name: Name
    about: str
    day: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Part:
    """Which rows are asked for; what is None does not matter. Both days count in."""

    patient_ref: str | None = None
    batch_id: UUID | None = None
    category: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    set_id: UUID | None = None


IN_A_SET = (
    Column("set_id", "id", "the image set that the row was read from", is_passed_on=True),
    Column("place", "whole", "place of the picture in that set, from 1", is_passed_on=True),
    Column("pseudonym", "code", "what the patient is called in that set", is_passed_on=True),
)
IMAGES = Dataset(
    "images",
    "images, without those in the trash",
    "date_taken",
    (
        Column("image_id", "id", "id of the image"),
        Column("batch_id", "id", "the batch that it is in"),
        Column("visit_id", "id", "the visit that the batch belongs to"),
        Column("patient_id", "id", "the patient"),
        *IN_A_SET,
        Column("category", "code", "code of the category set", is_passed_on=True),
        Column("image_type", "code", "such as clinical or x-ray, as typed", is_passed_on=True),
        Column("body_location", "code", "as typed", is_passed_on=True),
        Column("laterality", "code", "L, R, B (both) or U (unknown)", is_passed_on=True),
        Column("caption", "text", "as typed"),
        Column("description", "text", "as typed"),
        Column("is_primary", "flag", "whether it stands for its visit or batch"),
        Column("order", "whole", "place in the batch, from 1"),
        Column("date_taken", "day", "day of the photograph, as the file or a person says"),
        Column("taken_on", "day", "day of the batch"),
        Column("captured_at", "clock", "what the camera's clock said"),
        Column("captured_offset", "code", "that clock's distance from UTC, such as +02:00"),
        Column("camera_make", "code", "as the file says"),
        Column("camera_model", "code", "as the file says"),
        Column("original_name", "text", "name of the file as it was uploaded"),
        Column("mime_type", "code", "such as image/jpeg"),
        Column("file_size", "whole", "bytes of the original"),
        Column("width", "whole", "pixels, after the camera's turn", is_passed_on=True),
        Column("height", "whole", "pixels, after the camera's turn", is_passed_on=True),
        Column("sha256", "text", "SHA-256 of the original"),
        Column("duplicate_of", "id", "an image with the same bytes that was there before"),
        Column("is_damaged", "flag", "whether a check found the file missing or changed"),
        Column("uploaded_at", "moment", "when it was stored"),
        Column("uploaded_by", "id", "who uploaded it"),
        Column("uploaded_by_name", "code", "what that person is called"),
        Column("updated_at", "moment", "when anything noted of it last changed"),
    ),
)
BATCHES = Dataset(
    "batches",
    "batches, without those in the trash",
    "taken_on",
    (
        Column("batch_id", "id", "id of the batch"),
        Column("patient_id", "id", "the patient"),
        Column("visit_id", "id", "the visit that it belongs to"),
        Column("visited_on", "day", "day of that visit"),
        Column("clinician_id", "id", "whose visit it was"),
        Column("clinician_name", "code", "what that person is called"),
        Column("name", "text", "as typed"),
        Column("taken_on", "day", "day of the photographs"),
        Column("created_at", "moment", "when it was added"),
        Column("updated_at", "moment", "when it last changed"),
    ),
)
PATIENTS = Dataset(
    "patients",
    "patients, without those in the trash",
    "created_at",
    (
        Column("patient_id", "id", "id of the patient"),
        Column("name", "text", "name"),
        Column("mrn", "text", "medical record number"),
        Column("external_id", "text", "what another system knows the patient by"),
        Column("birth_on", "day", "day of birth"),
        Column("sex", "code", "male, female, other or unknown"),
        Column("notes", "text", "as typed"),
        Column("consent_record", "flag", "whether the consent to the medical record holds today"),
        Column("consent_teaching", "flag", "whether the consent to teaching holds today"),
        Column("consent_publication", "flag", "whether the consent to publication holds today"),
        Column("retention_years", "whole", "years after the last visit, where they are the patient's own"),
        Column("is_held", "flag", "whether a legal hold keeps everything"),
        Column("created_at", "moment", "when the patient was added"),
        Column("updated_at", "moment", "when the record last changed"),
    ),
)
ANALYSES = Dataset(
    "analyses",
    "analyses, also those that failed; without those of images in the trash",
    "created_at",
    (
        Column("analysis_id", "id", "id of the analysis", is_passed_on=True),
        Column("image_id", "id", "the image; empty for a record that came without one"),
        Column("batch_id", "id", "the batch of that image"),
        Column("patient_id", "id", "the patient"),
        *IN_A_SET,
        Column("category", "code", "category of the image", is_passed_on=True),
        Column("analyser", "code", "name of the model", is_passed_on=True),
        Column("analyser_version", "code", "its version", is_passed_on=True),
        Column("model_sha256", "code", "SHA-256 of the model's files", is_passed_on=True),
        Column("input_sha256", "text", "SHA-256 of what the model was given"),
        Column("is_hidden", "flag", "whether the result waits for one's own impression", is_passed_on=True),
        Column("label", "code", "the likeliest label", is_passed_on=True),
        Column("score", "real", "score of that label, 0 to 1", is_passed_on=True),
        Column("predictions", "text", "every label with its score, as JSON", is_passed_on=True),
        Column("risk_level", "code", "by the table in the model's card", is_passed_on=True),
        Column("confidence", "real", "as the model says, 0 to 1", is_passed_on=True),
        Column("body_region", "code", "as it was given to the model", is_passed_on=True),
        Column("duration_ms", "whole", "how long the model took", is_passed_on=True),
        Column("error", "text", "why there is no result", is_passed_on=True),
        Column("record_id", "text", "the id that it had where it was kept before"),
        Column("released_at", "moment", "since when the patient sees it"),
        Column("created_at", "moment", "when it was made"),
    ),
)
EVENTS = Dataset(
    "events",
    "lines of the audit, for administrators",
    "at",
    (
        Column("event_id", "whole", "number of the line"),
        Column("at", "moment", "when it happened"),
        Column("actor_id", "id", "who did it; empty for the program itself and for visitors"),
        Column("actor_name", "code", "what that person is called"),
        Column("action", "code", "what was done"),
        Column("outcome", "code", "done, refused, duplicate, late, failed or begun"),
        Column("patient_id", "id", "with whose record, also of one who was removed for good"),
        Column("entity", "code", "of which table the ids are"),
        Column("entity_ids", "text", "ids, with a space between them"),
        Column("field_names", "text", "names of what was changed, with a space between them"),
        Column("count", "whole", "how many there were"),
        Column("address", "code", "address that it came from"),
        Column("request_id", "text", "the request"),
        Column("seal", "whole", "place in the chain of hashes"),
        Column("chain", "text", "hash over this line and the one before"),
    ),
)
DATASETS: dict[Name, Dataset] = {each.name: each for each in (IMAGES, BATCHES, PATIENTS, ANALYSES, EVENTS)}
