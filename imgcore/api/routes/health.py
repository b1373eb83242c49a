"""Whether the server runs, and whether all its parts work; open to anyone."""

from __future__ import annotations

from imgcore.api import schemas
from imgcore.api.calls import Asked
from imgcore.api.sections import section
from imgcore.errors import Unavailable

public = section("Health", is_public=True)


@public.get("/healthz", summary="Does the server run", response_model=schemas.Health)
async def get_health() -> schemas.Health:
    """Asks no other part."""
    return schemas.Health()


@public.get("/readyz", summary="Do all parts work", response_model=schemas.Health)
def get_readiness(call: Asked) -> schemas.Health:
    """Tries database, store and disk; 503 says which of them is away or full."""
    found = call.services.health.readiness(call.actor)
    if not found.is_ready:
        raise Unavailable(" ".join(filter(None, (found.database, found.store, found.disk))))
    return schemas.Health()
