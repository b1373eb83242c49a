"""The table of paths, and where a sign-in may lead."""

from __future__ import annotations

import pytest

from imgcore.api.paths import Access, access, classified, local_target


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/healthz", Access.OPEN),
        ("/healthz/", Access.OPEN),
        ("/auth/login/", Access.ANYONE),
        ("/api/v1/auth/token", Access.ANYONE),
        ("/api/v1/auth/token/", Access.ANYONE),
        ("/api/v1/auth/token/x", Access.SESSION_OR_BEARER),
        ("/api/v1/auth/me", Access.SESSION_OR_BEARER),
        ("/files/1/display", Access.SIGNED),
        ("/media/x", Access.SESSION),
    ],
)
def test_the_nearest_entry_counts(path: str, wanted: Access) -> None:
    assert classified(path) is wanted


@pytest.mark.parametrize("path", ["/images", "/_stcore/new", "/healthz/x", "/api", "/static/none.js"])
def test_what_is_not_named_needs_a_session(path: str) -> None:
    assert classified(path) is None
    assert access(path) is Access.SESSION


@pytest.mark.parametrize("wanted", ["/", "/images", "/images?patient=5&image=6", "/a/b#c", "/?q=%2F%2Fevil"])
def test_sign_in_leads_back_to_a_path_of_this_server(wanted: str) -> None:
    assert local_target(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "images",
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\b",
        "/?a=\\b",
        "/\tevil",
        "/\r\nSet-Cookie: a=b",
        "/a b",
        " /a",
        "/é",
        "/a/../b",
        "/.//evil.example",
        "javascript:alert(1)",
        "/auth/logout",
        "/auth/login?next=/",
        "/" + "a" * 3000,
    ],
)
def test_sign_in_leads_nowhere_else(wanted: str) -> None:
    assert local_target(wanted) == "/"
