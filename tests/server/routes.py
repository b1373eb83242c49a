"""The server's real route list: its own routes, those of the REST interface, and Streamlit's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from imgcore.api.paths import classified
from tests.structure.sources import ROOT

_PARAMETER = re.compile(r"{[^}]+}")


@dataclass(frozen=True)
class Found:
    """A path as it is declared, and the methods that it takes; a websocket takes none."""

    template: str
    methods: tuple[str, ...]

    @property
    def path(self) -> str:
        """An address that the route answers to."""
        return _PARAMETER.sub("x", self.template)


def found_in(routes: Iterable[BaseRoute]) -> Iterator[Found]:
    """Yield every route; an application that takes whole paths is looked into, a folder of files is one."""
    for route in routes:
        if isinstance(route, WebSocketRoute):
            yield Found(route.path, ())
        elif isinstance(route, Mount):
            yield Found(route.path or "/", ("GET",))
        elif isinstance(route, Route):
            inner = getattr(route.app, "routes", None)
            yield from found_in(inner) if inner else [Found(route.path, tuple(sorted(route.methods or ())))]
        else:
            raise TypeError(f"a route of an unknown kind: {route}")


def unclassified(routes: Iterable[Found]) -> list[str]:
    """Return the routes that the guard's table does not name."""
    return [route.template for route in routes if classified(route.path) is None]


@lru_cache(maxsize=1)
def real_routes() -> tuple[Found, ...]:
    """Return the routes of the product, built in a process of its own: there is one runtime to each."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.server.routes"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return tuple(Found(each["template"], tuple(each["methods"])) for each in json.loads(done.stdout))


def _print_routes() -> None:
    from app import app

    found = dict.fromkeys(found_in(app._build_starlette_app().routes))
    print(json.dumps([asdict(route) for route in found]))


if __name__ == "__main__":
    _print_routes()
