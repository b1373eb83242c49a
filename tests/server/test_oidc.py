"""The outer sign-in in a real browser, from the sign-in page to the provider and back to the place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.server.visits import ADMIN, WITH_ADMIN
from tests.servers.browser import Watch, shot
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.oidc_provider import OidcProvider

pytestmark = pytest.mark.xdist_group("oidc")


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """A provider that knows the administrator."""
    with OidcProvider() as provider:
        provider.know("anna", email=ADMIN, email_verified=True)
        yield provider


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: OidcProvider) -> Iterator[ImgcoreServer]:
    """A clinic that trusts it."""
    outer = {"IMGCORE_OIDC_ISSUER": provider.url, "IMGCORE_OIDC_CLIENT_ID": "imgcore"}
    outer |= {"IMGCORE_OIDC_CLIENT_SECRET": "s3cret", "IMGCORE_OIDC_NAME": "Clinic ID"}
    with ImgcoreServer(tmp_path_factory.mktemp("server"), env=WITH_ADMIN | outer) as server:
        yield server


def test_one_signs_in_there_and_comes_back_to_the_place(
    server: ImgcoreServer, provider: OidcProvider, page: Page, watch: Watch
) -> None:
    watch.allow_origin(server.url)
    watch.allow_origin(provider.url)
    watch.allow(r"404 .*/_stcore/|foreign host|127\.0\.0\.1:\d+/.*(css|ico)|ERR_NAME_NOT_RESOLVED")
    page.goto(f"{server.url}/account")
    shot(page, "sign-in-outer")
    page.get_by_role("link", name="Sign in with Clinic ID").click()
    page.get_by_placeholder("sub").fill("anna")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{server.url}/account*")
    expect(page.get_by_text("This browser")).to_be_visible(timeout=20_000)
    log = server.log.read_text()
    assert "code=" not in log
    assert "state=" not in log


def test_a_stranger_is_led_back_to_the_sign_in_page(
    server: ImgcoreServer, provider: OidcProvider, page: Page, watch: Watch
) -> None:
    watch.allow_origin(server.url)
    watch.allow_origin(provider.url)
    watch.allow(r"401|404|foreign host|ERR_NAME_NOT_RESOLVED")
    page.goto(f"{server.url}/auth/login")
    page.get_by_role("link", name="Sign in with Clinic ID").click()
    page.get_by_placeholder("sub").fill("stranger")
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    shot(page, "outer-refused")
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_label("Password")).to_be_visible()
