"""What all commands share: how they are added, and how they open the clinic."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import Actor, system
from imgcore.services import Services

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


@contextmanager
def opened() -> Iterator[tuple[Services, Actor]]:
    """Open the clinic of the environment beside its server, for the program itself."""
    clinic = bootstrap.build(load_settings())
    try:
        yield clinic.services, system("cli")
    finally:
        clinic.close()
