"""The page of the reference in a real browser, under the content security policy of the server."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from imgcore.api.security import SecurityHeaders
from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import visitor
from tests.api.desks import PASSWORD, Desk
from tests.api.serving import serving


def test_the_page_draws_every_operation_and_tries_one(desk: Desk, page: Page) -> None:
    users = desk.admin.get("/api/users/").json()["items"]
    email = next(each["email"] for each in users if each["role"] == "clinician")
    token = desk.clinic.services.sign_in.open(visitor(), email, PASSWORD).token
    with serving(SecurityHeaders(desk.app, https_only=lambda: False)) as url:
        cookie = {"name": SESSION_COOKIE, "value": token, "domain": urlsplit(url).hostname or "", "path": "/"}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(f"{url}/api/docs")
        expect(page.get_by_role("heading", name="Imgcore")).to_be_visible()
        document = desk.client.get("/api/openapi.json").json()
        count = sum(len(methods) for methods in document["paths"].values())
        expect(page.locator(".opblock")).to_have_count(count)
        me = page.locator("#operations-Sign-in-get_me")
        me.locator(".opblock-summary-control").click()
        me.get_by_role("button", name="Try it out").click()
        me.get_by_role("button", name="Execute").click()
        expect(me.locator(".live-responses-table tr.response")).to_contain_text("200")
        expect(me.locator(".live-responses-table")).to_contain_text(email)
