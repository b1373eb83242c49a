"""The REST interface: one application whose routes each call one service method."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

import imgcore
from imgcore.api import errors
from imgcore.api.routes import (
    account,
    analyses,
    audit,
    batches,
    consultations,
    datasets,
    files,
    health,
    image_sets,
    images,
    jobs,
    operations,
    patients,
    reference,
    results,
    retention,
    sign_in,
    statistics,
    teams,
    trash,
    uploads,
    users,
)
from imgcore.bootstrap import Clinic

# The order of the reference.
ROUTERS = (
    sign_in.public, sign_in.router, account.router, patients.router, batches.router, uploads.router,
    images.router, consultations.router, files.router, files.public, image_sets.router, teams.router,
    results.router, analyses.router, datasets.router, trash.router, users.router, audit.router,
    retention.router, jobs.router, operations.router, statistics.router, health.public, reference.router,
)  # fmt: skip
ABOUT = """Everything that the screens can do with patients, batches and images.

Programs send a token (`Authorization: Bearer ...`), pages of this server their session cookie. Every path is
answered with and without a slash at its end. Every error has one shape; `code` is stable, `message` is fit to
show. Lists are turned by `page` and `page_size`, beyond 10,000 rows by `cursor`. What is read carries its
version as `ETag`: sent back as `If-Match`, it keeps two people from overwriting each other. Writes that can
be undone answer with `X-Change-ID`, for `POST /api/undo/`. Every answer carries `X-Request-ID`.
"""


def build_api(clinic: Callable[[], Clinic]) -> FastAPI:
    """Return the application; ``clinic`` is asked at each request, so that it may start later.

    The paths are whole (``/api/...``, ``/files/...``, ``/healthz``): it is not to be mounted below a prefix.
    The guard stands before it and says who asks.
    """
    api = FastAPI(
        title="Imgcore",
        version=imgcore.__version__,
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.clinic = clinic
    errors.install(api)
    for router in ROUTERS:
        api.router.routes.extend(router.routes)
    return api
