"""Models on an inference server: the picture is posted, scores come back as JSON."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from imgcore.analysis import pictures
from imgcore.analysis.cards import HttpCard
from imgcore.analysis.outputs import scores
from imgcore.analysis.risks import finding
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ConfigError, Invalid, Unavailable
from imgcore.texts import _

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

LARGEST_ANSWER = 1024 * 1024
LONGEST_CONNECT = 10.0
GRACE = 1.0  # seconds for a socket's own limits to end a try first, which say more of what was wrong
PIECE = 64 * 1024
# Seconds before the second try; twice as many before each further one.
PAUSE = 0.5
LONGEST_PAUSE = 8.0
BUSY = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class ServedClassifier:
    """One model of one server. Redirects are not followed: the picture goes to the address in the card alone.

    A server that cannot be reached or says that it is busy is asked again; one that is too slow is not.
    """

    def __init__(self, model: Model, card: HttpCard) -> None:
        self.model = model
        self._card = card
        self._lock = threading.Lock()
        self._connections: PoolManager | None = None

    def predict(self, subject: Subject) -> Finding:
        """Say what the model on the server sees."""
        pictures.decoded(subject.data)  # what is no picture is not sent anywhere
        content = self._answer(subject)
        try:
            answer: Any = json.loads(content)
            for step in filter(None, self._card.server.answer.split(".")):
                answer = answer[int(step)] if isinstance(answer, list) else answer[step]
            found = dict(self._labelled(answer))
            values = scores(list(found), list(found.values()), self._card.output)
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
            raise Unavailable(
                _("The server of the model {title} answered with something else than scores.").format(
                    title=self.model.title
                )
            ) from error
        return finding(values, self._card.risk)

    def _labelled(self, answer: Any) -> Iterator[tuple[str, float]]:
        """Yield labels and scores of ``{label: score}``, of ``[{label, score}]``, or of ``[score]``."""
        labels = self._card.labels
        pairs: list[tuple[Any, Any]]
        if isinstance(answer, Mapping):
            pairs = list(answer.items())
        elif answer and isinstance(answer, list) and isinstance(answer[0], Mapping):
            pairs = [(each["label"], each["score"]) for each in answer]
        else:
            pairs = list(zip(labels or (), answer, strict=True))
        if not pairs or len({label for label, _score in pairs}) != len(pairs):
            raise ValueError("no labels, or one twice")
        for label, score in pairs:
            if not isinstance(label, str) or isinstance(score, bool) or not isinstance(score, int | float):
                raise TypeError("no label with a score")
            if labels is not None and label not in labels:
                raise ValueError("a label that the card does not name")
            yield label, float(score)

    def _answer(self, subject: Subject) -> bytes:
        """Post the picture until there is an answer, at most as often as the card says."""
        pause, tries = PAUSE, self._card.server.tries
        for _try in range(tries - 1):
            content = self._try(subject)
            if content is not None:
                return content
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        content = self._try(subject)
        if content is None:
            raise Unavailable(
                _("The server of the model {title} cannot be reached, or is too busy.").format(
                    title=self.model.title
                )
            )
        return content

    def _try(self, subject: Subject) -> bytes | None:
        """Post the picture once; None when it is worth trying again.

        A server that sends a byte now and then would never be too slow for a socket: it is asked in a thread
        that nobody waits for longer than the card says.
        """
        answered: Future[bytes | None] = Future()

        def ask() -> None:
            try:
                answered.set_result(self._asked(subject))
            except BaseException as error:  # for whoever waits
                answered.set_exception(error)

        threading.Thread(target=ask, name="inference", daemon=True).start()
        try:
            return answered.result(self._card.server.timeout + GRACE)
        except TimeoutError as error:
            raise self._too_slow() from error

    def _asked(self, subject: Subject) -> bytes | None:
        from urllib3.exceptions import (
            ConnectTimeoutError,
            HTTPError,
            NewConnectionError,
            ProtocolError,
            TimeoutError,
        )

        ends = time.monotonic() + self._card.server.timeout
        try:
            response = self._posted(subject)
            try:
                if response.status in BUSY:
                    return None
                self._check(response)
                return self._body(response, ends)
            finally:
                response.close()
        except (ConnectTimeoutError, NewConnectionError, ProtocolError):
            return None
        except TimeoutError as error:
            raise self._too_slow() from error
        except HTTPError as error:
            raise Unavailable(
                _("The connection to the server of the model {title} failed.").format(title=self.model.title)
            ) from error

    def _posted(self, subject: Subject) -> BaseHTTPResponse:
        from urllib3 import Timeout, encode_multipart_formdata

        server = self._card.server
        if server.body == "raw":
            body, content_type = subject.data, "image/jpeg"
        else:
            # No name of the file: there is nothing in it that the server needs.
            fields: dict[str, Any] = {server.field: ("image.jpg", subject.data, "image/jpeg")}
            if server.region_field and subject.body_region:
                fields[server.region_field] = subject.body_region
            body, content_type = encode_multipart_formdata(fields)
        return self._pool().request(
            "POST",
            server.url,
            body=body,
            headers={"Content-Type": content_type, "Accept": "application/json", **self._token()},
            timeout=Timeout(connect=min(LONGEST_CONNECT, server.timeout), read=server.timeout),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )

    def _token(self) -> dict[str, str]:
        server = self._card.server
        if not server.token_variable:
            return {}
        token = os.environ.get(server.token_variable, "").strip()
        if not token.isascii() or not token.isprintable():
            raise ConfigError(
                _("The environment variable {name} holds no token.").format(name=server.token_variable)
            )
        return {server.header: server.header_prefix + token}

    def _check(self, response: BaseHTTPResponse) -> None:
        status, title = response.status, self.model.title
        if status == HTTPStatus.OK:
            return
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise ConfigError(
                _("The server of the model {title} does not accept the token.").format(title=title)
            )
        if 300 <= status < 400:
            raise ConfigError(
                _(
                    "The server of the model {title} sends the picture elsewhere (status {status}); "
                    "redirects are not followed."
                ).format(title=title, status=status)
            )
        if 400 <= status < 500:
            raise Invalid(
                _("The server of the model {title} refused the picture (status {status}).").format(
                    title=title, status=status
                )
            )
        raise Unavailable(
            _("The server of the model {title} failed (status {status}).").format(title=title, status=status)
        )

    def _body(self, response: BaseHTTPResponse, ends: float) -> bytes:
        found = bytearray()
        while piece := response.read1(PIECE):
            found += piece
            if len(found) > LARGEST_ANSWER:
                raise Unavailable(
                    _("The answer of the server of the model {title} is too large.").format(
                        title=self.model.title
                    )
                )
            if time.monotonic() > ends:
                raise self._too_slow()
        return bytes(found)

    def _too_slow(self) -> Unavailable:
        return Unavailable(
            _("The server of the model {title} did not answer within {seconds:g} seconds.").format(
                title=self.model.title, seconds=self._card.server.timeout
            )
        )

    def _pool(self) -> PoolManager:
        from urllib3 import PoolManager

        with self._lock:
            if self._connections is None:
                self._connections = PoolManager(maxsize=4)
            return self._connections
