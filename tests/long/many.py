"""The layout for many machines as the documentation gives it: nginx, app processes, a worker."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import FilePayload, expect

from imgcore.config import SESSION_COOKIE
from tests.browser.desks import SLOW
from tests.browser.photos import tiny
from tests.faults.backends import own_outside
from tests.server.visits import OURS, WITH_ADMIN, beside
from tests.servers.browser import open_browser
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.nginx import Nginx
from tests.servers.worker import Worker

SESSIONS = 40
SECONDS = 60


def run(sessions: int) -> str:
    """Use the clinic through the proxy in so many sessions, and once more after one process was killed."""
    with ExitStack() as stack:
        outside = stack.enter_context(own_outside())
        backend = stack.enter_context(outside.backend("postgresql-s3"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="many")))
        env = WITH_ADMIN | backend.env | {"IMGCORE_WORKERS": "0"}
        apps = [
            stack.enter_context(ImgcoreServer(folder / f"app{number}", "serve", env)) for number in range(2)
        ]
        worker = Worker(folder / "worker", env).start()
        stack.callback(worker.kill)
        places = [urlsplit(each.url).netloc for each in apps]
        proxy = stack.enter_context(Nginx(folder / "nginx", places))
        visits = stack.enter_context(beside(apps[0]))
        tokens = [visits.session() for _ in range(sessions)]
        homes = [_home(proxy.url, token) for token in tokens]
        if set(homes) != set(places):
            raise AssertionError(f"the sessions are not spread: {homes}")
        batch = _fill(proxy.url, tokens[0])
        _do_job(proxy.url, tokens[0])
        one_of_each = [tokens[homes.index(place)] for place in places]
        _look(proxy.url, one_of_each, batch)
        apps[0].kill()
        left = {_home(proxy.url, token) for token in tokens}
        if left != {places[1]}:
            raise AssertionError(f"after one process was killed, others answer: {left}")
    counts = ", ".join(str(homes.count(each)) for each in places)
    return f"{sessions} sessions, {counts} at the two processes, each at one alone; all at one after the kill"


@contextmanager
def _client(url: str, token: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=url, cookies={SESSION_COOKIE: token}, headers=OURS, timeout=SECONDS
    ) as client:
        yield client


def _home(url: str, token: str) -> str:
    """Return the process that answers a session; it must always be the same one."""
    with _client(url, token) as client:
        answers = [client.get("/api/v1/auth/me").raise_for_status() for _ in range(4)]
    # Several, when nginx had to ask a second one.
    homes = {each.headers["X-Upstream"].split(", ")[-1] for each in answers}
    if len(homes) != 1:
        raise AssertionError(f"a session was sent to and fro: {homes}")
    return homes.pop()


def _fill(url: str, token: str) -> str:
    """Upload through the proxy; return the batch's address on the screens."""
    with _client(url, token) as client:
        patient = _made(client, "/api/patients/", {"name": "Mary Kowalski"})
        batch = _made(client, "/api/images/batches/", {"patient_id": patient})
        files = [("images", (f"{number}.png", tiny(number))) for number in range(20)]
        answer = client.post(f"/api/images/batches/{batch}/upload/", files=files).raise_for_status().json()
        if len(answer["uploaded"]) != len(files):
            raise AssertionError(f"not all was stored: {answer['failed']}")
        packed = client.get(f"/api/images/batches/{batch}/download/").raise_for_status()
        if len(packed.content) != int(packed.headers["content-length"]):
            raise AssertionError("the archive is not whole")
    return f"/?patient={patient}&batch={batch}"


def _made(client: httpx2.Client, path: str, about: dict[str, str]) -> str:
    return str(client.post(path, json=about).raise_for_status().json()["id"])


def _do_job(url: str, token: str) -> None:
    """Begin a job at an app process, and see that the worker does it."""
    with _client(url, token) as client:
        asked = {"kind": "renditions", "options": {"again": True}}
        job = client.post("/api/jobs/", json=asked).raise_for_status().json()
        deadline = time.monotonic() + SECONDS
        while job["state"] != "done":
            if job["state"] == "failed" or time.monotonic() > deadline:
                raise AssertionError(f"the job was not done: {job}")
            time.sleep(0.2)
            job = client.get(f"/api/jobs/{job['id']}/").raise_for_status().json()


def _look(url: str, tokens: list[str], address: str) -> None:
    """Open the batch in a browser through the proxy, and put a picture in by Streamlit's own uploader."""
    with open_browser() as browser:
        for number, token in enumerate(tokens):
            context = browser.new_context()
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": url}])
            page = context.new_page()
            page.goto(url + address)
            expect(page.locator(".field .tile:not(.empty)").first).to_be_visible(timeout=SLOW)
            page.get_by_text("Simple upload").click()
            name = f"simple-{number}.png"
            photo = FilePayload(name=name, mimeType="image/png", buffer=tiny(1000 + number))
            page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files([photo])
            page.get_by_role("button", name="Store 1 image").click(timeout=SLOW)
            expect(page.get_by_text(f"{name}: stored")).to_be_visible(timeout=SLOW)
            context.close()
