"""What tables and figures are chosen by in the query of an address.

A word that an address does not know is refused: a filter with a slip in its name would give everything.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from imgcore.api.calls import Ref
from imgcore.domain.datasets import Part
from imgcore.domain.statistics import Asked
from imgcore.domain.values import Day, Value


class Days(Value):
    """A span of days."""

    from_on: Day | None = Field(None, alias="from", description="First day.", examples=["2026-01-01"])
    to_on: Day | None = Field(None, alias="to", description="Last day; it counts in.")

    def part(self) -> Part:
        """Return which rows are asked for."""
        return Part(from_on=self.from_on, to_on=self.to_on)


class OfPatient(Days):
    """Days of one patient, or of all."""

    patient_id: Ref | None = Field(None, description="Only of this patient; id or external id.")

    def part(self) -> Part:
        """Return which rows are asked for."""
        return Part(self.patient_id, from_on=self.from_on, to_on=self.to_on)


class OfImages(OfPatient):
    """Images, or what there is of images."""

    batch_id: UUID | None = None
    category: Ref | None = Field(None, description="A code of the category set.")
    set_id: UUID | None = Field(None, description="Only what is shown of this image set.")

    def part(self) -> Part:
        """Return which rows are asked for."""
        return Part(self.patient_id, self.batch_id, self.category, self.from_on, self.to_on, self.set_id)


class OfFigure(OfPatient):
    """What is counted."""

    set_id: UUID | None = Field(
        None, description="Only of this image set, under its pseudonyms and on any day; a reviewer needs it."
    )
    zone: str = Field("UTC", description="Where days begin.", examples=["Europe/Berlin"], max_length=64)

    def asked(self) -> Asked:
        """Return what is asked for."""
        return Asked(self.patient_id, self.set_id, self.from_on, self.to_on, self.zone)
