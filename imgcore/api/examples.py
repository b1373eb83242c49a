"""What the examples of the reference share: the same patient, image and person everywhere."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

AT = "2025-11-06T09:30:00Z"
PATIENT_ID = "0b6f3c1e-6f0d-4c1b-9d7e-2f4f6f5f8a10"
IMAGE_ID = "c2a4e7f8-5b0e-4f59-b1c7-3d9a8e6f0b32"
USER_ID = "5f0f6a4e-0f5b-4a52-8f34-6f0b9a7c1d43"


def example(**values: Any) -> ConfigDict:
    """Return the configuration of an answer's model that shows these values."""
    return ConfigDict(from_attributes=True, json_schema_extra={"examples": [values]})
