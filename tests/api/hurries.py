"""A clinic for tests that ask it very often: without what is slow on purpose, or slow to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher

from imgcore import bootstrap
from imgcore.services import credentials
from tests.services.clinics import ImagingHere


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Hash passwords cheaply, and decode pictures in this process; open the clinic inside."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "_hasher", lambda: hasher)
        patch.setattr(bootstrap, "ImagingPool", ImagingHere)
        yield
