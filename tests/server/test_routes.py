"""Every route of the real server is known to the guard, and shows a visitor nothing but sign-in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx2
import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import InvalidStatus

from imgcore.api.paths import Access, access
from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role, system
from imgcore.domain.values import StaffRole, UserFields
from tests.server.routes import Found, found_in, real_routes, unclassified
from tests.server.visits import OURS, WITH_ADMIN, Visits, beside
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("routes")

# Whoever adds to this list has thought about it.
FOR_ANYONE = {
    "/assets/leaflet/leaflet-src.esm.js",
    "/auth/login",
    "/auth/logout",
    "/auth/setup",
    "/auth/link/{token}",
    "/auth/session",
    "/auth/unlock",
    "/auth/oidc",
    "/auth/oidc/callback",
    "/api/v1/auth/token",
    "/healthz",
    "/readyz",
    "/_stcore/health",
    "/share/{token}",
    "/share/opened/{share_id:uuid}",
    "/share/opened/{share_id:uuid}/answer",
    "/share/opened/{share_id:uuid}/{place:int}",
    "/share/opened/{share_id:uuid}/{place:int}/thumbnail",
    "/share/opened/{share_id:uuid}/{place:int}/picture",
    "/share/{rest:path}",
}
# As many connections as a browser opens.
AT_ONCE = 6
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def test_every_route_is_in_the_table() -> None:
    assert unclassified(real_routes()) == []


def test_a_route_that_nobody_thought_of_is_noticed() -> None:
    async def new(*_: object) -> None: ...

    routes: list[Route | WebSocketRoute | Mount] = [
        Route("/_stcore/new/{name}", new),
        Route("/news", new),
        WebSocketRoute("/_stcore/stream2", new),
        Mount("/pictures", new),
    ]
    assert unclassified(found_in(routes)) == [route.path for route in routes]


def test_only_these_are_for_anyone() -> None:
    unguarded = {route.template for route in real_routes() if not needs_session(route)}
    assert unguarded == FOR_ANYONE


def test_the_walk_finds_what_there_is() -> None:
    templates = {route.template for route in real_routes()}
    assert {"/", "/_stcore/stream", "/media/{file_id:path}", "/auth/login", "/api/patients/"} <= templates


def needs_session(route: Found) -> bool:
    """Tell whether a visitor must be stopped here."""
    return access(route.path) not in (Access.OPEN, Access.ANYONE)


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """A server at which nobody has ever signed in."""
    folder = tmp_path_factory.mktemp("server")
    with ImgcoreServer(folder, env=WITH_ADMIN) as server, beside(server) as visits:
        yield visits


def shows_nothing(visits: Visits, path: str) -> None:
    """Ask as a visitor's browser does."""
    with visits.client() as client:
        answer = client.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.content) == (303, b"")


def _nothing(visits: Visits) -> str:
    return ""


def _wrong(visits: Visits) -> str:
    return "w" * 43


def _ended(visits: Visits) -> str:
    token = visits.session()
    visits.clinic.services.sign_in.end(visits.actor(token))
    return token


def _deactivated(visits: Visits) -> str:
    leaver = visits.add("leaver@clinic.example")
    token = visits.session(leaver.email)
    assert leaver.user_id is not None
    visits.clinic.services.accounts.edit(system(), leaver.user_id, UserFields(is_active=False))
    return token


def test_the_first_request_for_a_screen_shows_nothing(visits: Visits) -> None:
    """It comes before all others here: nobody has asked this server for anything but whether it is well."""
    shows_nothing(visits, "/")


# In this order: the first two meet a server that has never drawn anything for anybody. Whether a session
# is good is asked before anything else, so two methods are enough for those that have ended.
@pytest.mark.parametrize(
    ("make", "methods"),
    [
        (_nothing, METHODS),
        (_wrong, ("GET", "POST")),
        (_ended, ("GET", "POST")),
        (_deactivated, ("GET", "POST")),
    ],
)
def test_no_route_shows_anything_without_a_session(
    visits: Visits, make: Callable[[Visits], str], methods: tuple[str, ...]
) -> None:
    token = make(visits)
    addresses = {route.path for route in real_routes() if needs_session(route)}
    wanted = addresses | {"/images", "/pages/images", "/static/none.js", "/static/index.html", "/nothing"}

    def ask(path: str) -> None:
        for method in methods:
            answer = client.request(method, path)
            assert (method, path, answer.status_code) == (method, path, 401)
            assert method == "HEAD" or set(answer.json()) == {"error"}
        page = client.get(path, headers={"Accept": "text/html"})
        assert (path, page.status_code, page.content) == (path, 303, b"")
        assert page.headers["location"].startswith("/auth/login")

    with visits.client(token) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        assert list(threads.map(ask, sorted(wanted))) == [None] * len(wanted)


@pytest.mark.parametrize("make", [_nothing, _wrong, _ended])
def test_no_websocket_opens_without_a_session(visits: Visits, make: Callable[[Visits], str]) -> None:
    with pytest.raises(InvalidStatus) as refused, visits.open_tab(make(visits)):
        pass
    assert refused.value.response.status_code == 403


def test_no_websocket_opens_for_another_site(visits: Visits) -> None:
    elsewhere = "https://evil.example"
    with pytest.raises(InvalidStatus) as refused, visits.open_tab(visits.session(), origin=elsewhere):
        pass
    assert refused.value.response.status_code == 403


def test_every_answer_carries_the_headers(visits: Visits) -> None:
    paths = {route.path for route in real_routes()} | {"/images", "/favicon.png", "//", "/nothing"}

    def ask(path: str) -> None:
        headers = client.get(path, headers={"Accept": "text/html"}).headers
        for name in ("content-security-policy", "x-content-type-options", "x-frame-options"):
            assert name in headers, (path, name)
        assert "x-request-id" in headers

    for token in ("", visits.session()):
        with visits.client(token) as client, ThreadPoolExecutor(AT_ONCE) as threads:
            assert list(threads.map(ask, paths)) == [None] * len(paths)


def test_pages_are_never_kept(visits: Visits) -> None:
    with visits.client(visits.session()) as client:
        answer = client.get("/visits?patient=5", headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("role", "start", "other"), [(Role.ADMIN, "images", "sets"), (Role.REVIEWER, "sets", "images")]
)
def test_the_name_of_the_start_screen_leads_to_the_root(
    visits: Visits, role: StaffRole, start: str, other: str
) -> None:
    email = f"starts-{role}@clinic.example"
    visits.add(email, role)
    with visits.client(visits.session(email)) as client:
        for path in (f"/{start}", f"/{start}/"):
            answer = client.get(f"{path}?patient=5&filter=a%20b%0D%0A", headers={"Accept": "text/html"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/?patient=5&filter=a%20b%0D%0A")
        assert client.get(f"/{start}").headers["location"] == "/"
        for path in ("/", f"/{other}", f"/{start}/x"):
            assert client.get(path).status_code == 200
        assert client.post(f"/{start}").status_code == 405


def test_a_bearer_token_opens_no_screen(visits: Visits) -> None:
    token = visits.clinic.services.sign_in.token(
        system(), WITH_ADMIN["IMGCORE_ADMIN_EMAIL"], "correct horse battery"
    )
    with visits.client() as client:
        headers = {**OURS, "Authorization": f"Bearer {token}"}
        assert client.get("/api/v1/auth/me", headers=headers).status_code == 200
        for path in ("/", "/_stcore/host-config", "/media/x", "/component/x"):
            assert client.get(path, headers=headers).status_code == 401
    assert SESSION_COOKIE not in client.cookies


# Each of these is the very first request that a fresh server gets.
@pytest.mark.parametrize("path", ["/users", "/media/x", "/_stcore/stream"])
def test_the_first_request_of_all_shows_nothing(
    path: str, start_server: Callable[..., ImgcoreServer]
) -> None:
    server = start_server(env=WITH_ADMIN)
    with beside(server) as visits:
        if path == "/_stcore/stream":
            with pytest.raises(InvalidStatus), visits.open_tab(""):
                pass
            return
        shows_nothing(visits, path)


def test_an_answer_on_a_kept_connection_comes_as_early_as_on_a_new_one(visits: Visits) -> None:
    def seconds(client: httpx2.Client) -> float:
        began = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        return time.perf_counter() - began

    with visits.client() as client:
        kept = median(seconds(client) for _turn in range(40))
    new = []
    for _turn in range(40):
        with visits.client() as client:
            new.append(seconds(client))
    assert kept < 3 * median(new)
