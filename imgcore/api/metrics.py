"""What passes through the server: counted and timed for monitoring, and written to the log."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore.api.logs import without_secrets
from imgcore.domain.access import Actor

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from imgcore.services.operations import Standing

# Upper ends in seconds; what takes longer is in none of them.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BY_END = {
    "thumbnail": "thumbnails",
    "display": "pictures",
    "compressed": "pictures",
    "picture": "pictures",
    "download": "downloads",
    "download-all": "downloads",
    "upload": "uploads",
}
_BY_START = {"api": "rest", "files": "pictures", "auth": "sign-in", "share": "shares"}
_HEALTH = ("/healthz", "/readyz", "/_stcore/health")
_log = logging.getLogger("imgcore.requests")


class Traffic:
    """Counts and times of the requests that this process has answered since it started."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, str]] = Counter()  # part, method, status
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self.open_tabs = 0

    def add(self, part: str, method: str, status: str, seconds: float) -> None:
        """Count one answer."""
        self.answers[part, method, status] += 1
        self.seconds[part] += seconds
        self.buckets[part][bisect_left(BUCKETS, seconds)] += 1


# Of this process, as the requests are.
traffic = Traffic()


class Metered:
    """Middleware that counts every request, and writes a line about it where the log takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on as it is."""
        if scope["type"] == "websocket":
            traffic.open_tabs += 1
            try:
                await self._app(scope, receive, send)
            finally:
                traffic.open_tabs -= 1
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), "cut off"

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except BaseException:
            status = "cut off"
            raise
        finally:
            seconds = time.perf_counter() - began
            traffic.add(part_of(scope["path"]), scope["method"], status, seconds)
            if _log.isEnabledFor(logging.INFO) and scope["path"] not in _HEALTH:
                _log.info("%s %s %s", scope["method"], without_secrets(scope["path"]), status,
                          extra=_about(scope, status, seconds))  # fmt: skip


def part_of(path: str) -> str:
    """Return which part of the product answers a path; there are only a few, so that none is a patient's."""
    names = path.strip("/").split("/")
    if names[0] in ("api", "share"):
        return _BY_END.get(names[-1], _BY_START[names[0]])
    return _BY_START.get(names[0], "screens")


def _about(scope: Scope, status: str, seconds: float) -> dict[str, Any]:
    """Return what a line says beside its words: who asked is told by ids alone."""
    actor = scope.get("state", {}).get("imgcore_actor")
    who = actor if isinstance(actor, Actor) else None
    return {
        "method": scope["method"],
        "path": without_secrets(scope["path"]),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "user_id": str(who.user_id) if who and who.user_id else None,
        "address": who.address if who else None,
        "request_id": who.request_id if who else None,
    }


class _Figures:
    """Hands the figures of this moment to the Prometheus library."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        """Yield every figure with its name and what it tells."""
        yield from _of_requests()
        yield from _of_the_clinic(self._standing)


def exposition(standing: Standing) -> bytes:
    """Return all figures in the text form of Prometheus."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    registry.register(_Figures(standing))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_requests() -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    answers = CounterMetricFamily(
        "imgcore_requests", "Requests that were answered.", labels=["part", "method", "status"]
    )
    for labels, count in traffic.answers.items():
        answers.add_metric(labels, count)
    yield answers
    times = HistogramMetricFamily(
        "imgcore_request_seconds", "Time from a request to the end of its answer.", labels=["part"]
    )
    for part, counts in traffic.buckets.items():
        upto, buckets = 0, []
        for end, count in zip([*map(str, BUCKETS), "+Inf"], counts, strict=True):
            upto += count
            buckets.append((end, upto))
        times.add_metric([part], buckets, traffic.seconds[part])
    yield times
    yield GaugeMetricFamily("imgcore_open_tabs", "Screens that are open.", traffic.open_tabs)


def _of_the_clinic(standing: Standing) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    def gauge(name: str, tells: str, values: dict[str, float], label: str = "") -> Metric:
        family = GaugeMetricFamily(f"imgcore_{name}", tells, labels=[label] if label else [])
        for key, value in values.items():
            family.add_metric([key] if label else [], value)
        return family

    ready = standing.readiness
    yield gauge("up", "Whether a part works.",
                {"database": float(not ready.database), "store": float(not ready.store)}, "part")  # fmt: skip
    yield gauge("disk_free_bytes", "Free space for the data folder.", {"": standing.disk_free})
    yield gauge("disk_bytes", "Size of the data folder's disk.", {"": standing.disk_total})
    if standing.last_check is not None:
        check = standing.last_check
        yield gauge("last_check_time_seconds", "When the last check ended.", {"": check.at.timestamp()})
        yield gauge("last_check_findings", "What it left unmended.", {"": check.tally.left})
    if standing.last_backup is not None:
        made = standing.last_backup.at.timestamp()
        yield gauge("last_backup_time_seconds", "When the last backup was made.", {"": made})
    if standing.counts is not None:
        counts = standing.counts
        yield gauge("images", "Images by state.", dict(counts.images), "state")
        yield gauge("image_bytes", "Bytes of all originals.", {"": counts.image_bytes})
        yield gauge("patients", "Patients, without those in the trash.", {"": counts.patients})
        yield gauge("batches", "Batches, without those in the trash.", {"": counts.batches})
        yield gauge("jobs", "Jobs by state.", dict(counts.jobs), "state")
        yield gauge("sessions", "Sessions that have not ended.", {"": counts.sessions})
        oldest = counts.oldest_unsealed
        waits = (counts.at - oldest).total_seconds() if oldest else 0.0
        yield gauge("audit_unsealed_seconds", "Age of the oldest audit line without a seal.", {"": waits})
