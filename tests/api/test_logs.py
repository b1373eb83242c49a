"""The server's log names paths, and neither the query of a link nor a one-time link."""

from __future__ import annotations

import logging

import pytest

from imgcore.api.logs import keep_secrets_out, without_secrets


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/files/1/original?exp=5&sig=abc", "/files/1/original"),
        ("/auth/link/Secret-1?x=y", "/auth/link/…"),
        ("/auth/link/Secret-1", "/auth/link/…"),
        ("/?patient=5", "/"),
        ("/images", "/images"),
        ("/api/patients/", "/api/patients/"),
        ("/api/patients/his-4711/hold/", "/api/patients/…/hold/"),
        ("/api/patients/Mary%20Kowalski", "/api/patients/…"),
        ("/api/patients/Mary Kowalski/", "/api/patients/…/"),
        ("/api/patients/break-glass/", "/api/patients/break-glass/"),
        ("/api/patients/break-glass-Mary/", "/api/patients/…/"),
        (
            "/api/patients/0b6f3c1e-6f0d-4c1b-9d7e-2f4f6f5f8a10/counts/",
            "/api/patients/0b6f3c1e-6f0d-4c1b-9d7e-2f4f6f5f8a10/counts/",
        ),
    ],
)
def test_what_is_left_of_a_path(path: str, wanted: str) -> None:
    assert without_secrets(path) == wanted


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error"])
def test_the_log_of_the_server_is_clean(name: str, caplog: pytest.LogCaptureFixture) -> None:
    keep_secrets_out()
    keep_secrets_out()
    logger = logging.getLogger(name)
    assert len(logger.filters) == 1
    path = "/files/1/original?sig=abc"
    with caplog.at_level(logging.INFO, name):
        logger.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", 200)
        logger.info("no arguments")
    assert caplog.messages == ['127.0.0.1:1 - "GET /files/1/original HTTP/1.1" 200', "no arguments"]
