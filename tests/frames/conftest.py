"""What the tests of the frames share: clinics as those of the services have them."""

from __future__ import annotations

from tests.services.conftest import (
    cheap,
    clinic,
    copied_url,
    database_url,
    empty_database,
    empty_file,
    open_clinic,
)

__all__ = ["cheap", "clinic", "copied_url", "database_url", "empty_database", "empty_file", "open_clinic"]
