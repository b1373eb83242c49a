"""Who may call what: the one table in which every route of the server stands, each method for itself.

Whoever adds a route says here whom it is for; a test fails until they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imgcore.domain.access import Role
from tests.server.routes import Found

ANYONE = "anyone"  # a visitor too; the route itself asks for a password, a token in its path, or nothing
A, C, R, P = Role.ADMIN, Role.CLINICIAN, Role.REVIEWER, Role.PATIENT
SIGNED_IN = (A, C, R, P)

_TABLE: dict[str | tuple[Role, ...], str] = {
    ANYONE: """
        GET,POST /auth/login, /auth/logout, /auth/setup, /auth/link/{token}, /auth/session, /auth/unlock
        GET /auth/oidc, /auth/oidc/callback
        GET,POST /share/{token}
        GET /share/{rest}
        GET /share/opened/{share_id}, /share/opened/{share_id}/{place}
        GET /share/opened/{share_id}/{place}/thumbnail, /share/opened/{share_id}/{place}/picture
        POST /share/opened/{share_id}/answer
        GET /assets/leaflet/leaflet-src.esm.js
        GET /files/{image_id}/{kind}
        GET /healthz, /readyz
        GET /_stcore/health
        POST /api/v1/auth/token
    """,
    SIGNED_IN: """
        GET /, /media/{file_id}, /component/{path}, /oauth2callback
        GET /_stcore/metrics, /_stcore/host-config, /_stcore/bidi-components/{path}
        PUT,DELETE /_stcore/upload_file/{session_id}/{file_id}
        WEBSOCKET /_stcore/stream
        GET,POST,PUT,PATCH,DELETE /_stcore/agent/interact, /_stcore/agent/openapi.json, /_stcore/agent/mcp
        GET,POST /auth/password
        GET /api/openapi.json, /api/docs, /api/docs/start.js, /api/docs/{name}
        GET /api/v1/auth/me
        POST /api/v1/auth/logout, /api/v1/auth/password
        GET,POST /api/v1/auth/tokens
        GET /api/v1/auth/sessions
        DELETE /api/v1/auth/tokens/{token_id}, /api/v1/auth/sessions/{session_id}
        GET /api/images, /api/images/{image_id}
        GET /api/images/{image_id}/thumbnail, /api/images/{image_id}/display
        GET /api/images/{image_id}/compressed, /api/images/{image_id}/download
        POST /api/images/{image_id}/url
        GET /api/images/batches/{batch_id}/ids, /api/images/batches/{batch_id}/download
        GET /api/v1/consultations, /api/v1/consultations/{consultation_id}
        GET /api/v1/consultations/{consultation_id}/images
        GET /api/v1/consultations/{consultation_id}/images/download-all
        GET /api/v1/consultations/images/{image_id}
        GET /api/patients/{patient_id}/results
        GET /api/ai/models, /api/ai/analyses, /api/ai/analyses/{result_id}, /api/ai/history/{patient_id}
        GET /api/ai/trends/{patient_id}, /api/ai/image-sets/{set_id}/agreement
    """,
    (A, C, P): """
        GET /api/patients, /api/patients/{patient_id}, /api/patients/{patient_id}/counts
        GET /api/images/batches, /api/images/batches/{batch_id}
    """,
    (A, C, R): """
        GET /api/image-sets, /api/image-sets/{set_id}, /api/image-sets/{set_id}/download
        GET /api/statistics/{figure}, /api/statistics/{figure}/csv
        GET /api/image-sets/{set_id}/images/{place}/thumbnail, /api/image-sets/{set_id}/images/{place}/picture
        GET /api/data/images.{form}, /api/data/analyses.{form}
    """,
    (A, C): """
        POST /api/patients, /api/patients/{patient_id}/restore, /api/patients/break-glass
        PATCH,DELETE /api/patients/{patient_id}
        GET,POST /api/patients/{patient_id}/team
        DELETE /api/patients/{patient_id}/team/{user_id}
        GET /api/patients/{patient_id}/looks
        GET /api/patients/{patient_id}/looks/csv, /api/patients/{patient_id}/looks/pdf
        POST /api/images/batches, /api/images/batches/{batch_id}/restore
        POST /api/images/batches/{batch_id}/move, /api/images/batches/{batch_id}/upload
        PATCH,PUT,DELETE /api/images/batches/{batch_id}
        PATCH,DELETE /api/images/{image_id}
        POST /api/images/{image_id}/restore
        POST /api/images/edit, /api/images/move, /api/images/trash, /api/images/restore
        POST /api/v1/consultations, /api/v1/consultations/{consultation_id}/images
        PATCH /api/v1/consultations/{consultation_id}
        PATCH,DELETE /api/v1/consultations/images/{image_id}
        POST /api/image-sets
        GET /api/data/batches.{form}, /api/data/patients.{form}
        GET /api/image-sets/reviewers
        GET,POST /api/image-sets/{set_id}/given, /api/image-sets/{set_id}/shares
        DELETE /api/image-sets/{set_id}/given/{user_id}, /api/shares/{share_id}
        POST,DELETE /api/results/{result_id}/release
        GET /api/trash
        POST /api/undo
        POST /api/ai/analyze, /api/ai/import, /api/ai/analyses/{result_id}/again
        GET,POST /api/ai/images/{image_id}/impressions
        GET,POST /api/jobs
        GET /api/jobs/{job_id}
        POST /api/jobs/{job_id}/cancel, /api/jobs/{job_id}/retry
    """,
    (A,): """
        GET,POST /api/users
        PATCH /api/users/{user_id}
        GET /api/audit, /api/audit/csv, /api/audit/verify, /api/data/events.{form}
        GET /api/operations, /api/metrics
        GET,POST /api/retention/rules, /api/trash/purge
        PATCH,DELETE /api/retention/rules/{rule_id}
        GET /api/retention/due, /api/retention/due/csv, /api/retention/holds
        POST /api/retention/run, /api/patients/{patient_id}/erase
        PUT /api/patients/{patient_id}/retention
        PUT,DELETE /api/patients/{patient_id}/hold
    """,
}
_CONVERTOR = re.compile(r":\w+}")
# They tell nothing but how to ask, and go the way of the methods beside them.
_ALONG = {"HEAD", "OPTIONS"}


def _read() -> dict[str, str | tuple[Role, ...]]:
    rights: dict[str, str | tuple[Role, ...]] = {}
    for who, lines in _TABLE.items():
        for line in filter(None, map(str.strip, lines.splitlines())):
            methods, _space, paths = line.partition(" ")
            for path in paths.split(", "):
                rights |= {f"{method} {path}": who for method in methods.split(",")}
    return rights


RIGHTS = _read()


def name(method: str, template: str) -> str:
    """Return what a method of a path is called in the table: without types, without a slash at its end."""
    return f"{method} {_CONVERTOR.sub('}', template).rstrip('/') or '/'}"


def names(routes: Iterable[Found]) -> set[str]:
    """Return what the table should hold for these routes."""
    return {
        name(method, route.template)
        for route in routes
        for method in (set(route.methods) - _ALONG if route.methods else {"WEBSOCKET"})
    }
