"""Plugin of pytest: what a test process makes once, instead of anew in nearly every test."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import sqlalchemy as sa
from streamlit.components.v2 import manifest_scanner

from imgcore.db import engine

_first: dict[str, sa.Engine] = {}
_new_engine = engine._engine


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    """Keep statements from one database to the next, and the components from one screen to the next.

    By itself each engine puts its statements into words anew, and each ``AppTest`` reads about all
    packages that are installed.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_engine", _engine)
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(_components))
        yield


_components = manifest_scanner.scan_component_manifests


def _engine(url: str) -> sa.Engine:
    """Return an engine with the dialect of the first one of its kind, by which statements are kept."""
    made = _new_engine(url)
    first = _first.get(made.dialect.name)
    if first is None:
        sa.event.listen(made, "connect", lambda *_: _first.setdefault(made.dialect.name, made))
    else:
        made.dialect, made._compiled_cache = first.dialect, first._compiled_cache
    return made
