"""Models on an inference server: a real one on this machine, in all its moods."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imgcore.analysis import Analyser, installed, servers
from imgcore.domain.analyses import Subject
from imgcore.errors import ConfigError, Damaged, ImgcoreError, Invalid, Unavailable
from tests.analysis.inference import Answer, Inference, inference
from tests.analysis.models import CARD, settings, subject

GOOD = Answer({"calm": 0.25, "urgent": 0.75})
RISK = '[risk]\nlevels = ["low", "high"]\nlabels = { calm = "low", urgent = "high" }\n'
Open = Callable[..., Analyser]


@pytest.fixture
def server() -> Iterator[Inference]:
    """A server that answers well until it is told otherwise."""
    with inference() as place:
        place.will(GOOD)
        yield place


@pytest.fixture
def opened(tmp_path: Path, server: Inference, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Make the model of that server, which does not rest long between tries."""
    monkeypatch.setattr(servers, "PAUSE", 0.001)

    def make(more: str = "", *, head: str = "", url: str = "") -> Analyser:
        folder = tmp_path / "models" / "served"
        folder.mkdir(parents=True)
        card = CARD.format(name="served", kind="http")
        (folder / "card.toml").write_text(f'{card}{head}[server]\nurl = "{url or server.url}"\n{more}')
        return installed(settings(tmp_path))["served"]

    return make


def test_the_picture_is_posted_and_scores_come_back(opened: Open, server: Inference) -> None:
    found = opened(RISK).predict(subject())
    assert dict(found.predictions) == {"calm": 0.25, "urgent": 0.75}
    assert (found.risk_level, found.confidence) == ("high", 0.75)
    (request,) = server.requests
    form = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode() + request.body
    (part,) = list(BytesParser().parsebytes(form).walk())[1:]
    assert part.get_payload(decode=True) == subject().data
    assert part.get_content_type() == "image/jpeg"
    assert 'name="file"; filename="image.jpg"' in str(part["Content-Disposition"])
    assert request.path == "/predict"


def test_the_card_names_field_region_header_and_token(
    opened: Open, server: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEET_TOKEN", "secret")
    more = 'field = "photo"\nregion_field = "where"\ntoken_variable = "FEET_TOKEN"\nheader = "X-Key"\n'
    opened(more + 'header_prefix = ""\n').predict(subject(body_region="left foot"))
    (request,) = server.requests
    assert b'name="photo"' in request.body
    assert b'name="where"\r\n\r\nleft foot\r\n' in request.body
    assert request.headers["x-key"] == "secret"


def test_a_picture_can_be_the_whole_body(opened: Open, server: Inference) -> None:
    opened('body = "raw"\n').predict(subject())
    (request,) = server.requests
    assert request.body == subject().data
    assert request.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"result": [{"scores": {"calm": 0.25, "urgent": 0.75}}]}, "result.0.scores"),
        ([{"label": "calm", "score": 0.25}, {"label": "urgent", "score": 0.75}], ""),
        ({"outputs": [0.25, 0.75]}, "outputs"),
    ],
)
def test_scores_are_found_where_the_card_says(
    opened: Open, server: Inference, body: object, path: str
) -> None:
    server.will(Answer(body))
    found = opened(f'answer = "{path}"\n', head='labels = ["calm", "urgent"]\n').predict(subject())
    assert dict(found.predictions) == {"calm": 0.25, "urgent": 0.75}


def test_logits_of_a_server_become_scores(opened: Open, server: Inference) -> None:
    server.will(Answer({"calm": 0.0, "urgent": 0.0}))
    found = opened(head='output = "logits"\n').predict(subject())
    assert dict(found.predictions) == {"calm": 0.5, "urgent": 0.5}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>not JSON",
        b"\xff",
        b"[" * 100_000,
        None,
        7,
        [],
        {},
        "text",
        {"calm": "0.5"},
        {"calm": True},
        {"calm": None},
        [{"label": "calm"}],
        [{"label": "calm", "score": 0.5}, {"label": "calm", "score": 0.5}],
        [0.1, 0.2, 0.7],
        {"unknown": 0.5},
        {"calm": 1.5},
        b'{"calm": NaN}',
        {"error": "out of memory"},
    ],
    ids=lambda body: str(body)[:20],
)
def test_an_answer_without_scores_is_a_clear_error(opened: Open, server: Inference, body: Any) -> None:
    server.will(Answer(body))
    with pytest.raises(Unavailable, match="scores"):
        opened(head='labels = ["calm", "urgent"]\n').predict(subject())


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(opened: Open, server: Inference, status: int) -> None:
    server.will(Answer(status=status), Answer(status=status), GOOD)
    assert opened().predict(subject()).confidence == 0.75
    assert len(server.requests) == 3
    assert len({request.body.partition(b"\r\n")[2][:40] for request in server.requests}) == 1


def test_a_server_that_stays_busy_is_asked_as_often_as_the_card_says(opened: Open, server: Inference) -> None:
    server.will(Answer(status=503))
    with pytest.raises(Unavailable, match="cannot be reached, or is too busy"):
        opened("tries = 4\n").predict(subject())
    assert len(server.requests) == 4


def test_an_answer_that_breaks_off_is_asked_for_again(opened: Open, server: Inference) -> None:
    server.will(Answer({"calm": 1.0}, is_cut=True), GOOD)
    assert opened().predict(subject()).confidence == 0.75


def test_a_server_that_is_not_there_says_so(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match="cannot be reached"):
        opened(url=f"http://127.0.0.1:{port}/").predict(subject())


def test_a_server_that_is_too_slow_is_not_asked_again(opened: Open, server: Inference) -> None:
    server.will(Answer(GOOD.body, wait=True))
    with pytest.raises(Unavailable, match="did not answer within 1 seconds"):
        opened("timeout = 1\n").predict(subject())
    assert len(server.requests) <= 1


def test_a_server_that_answers_byte_by_byte_is_too_slow(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "GRACE", 0.0)
    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _address = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.1):
                connection.sendall(b"z")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        try:
            with pytest.raises(Unavailable, match="did not answer within 1 seconds"):
                opened("timeout = 1\n", url=f"http://127.0.0.1:{listening.getsockname()[1]}/").predict(
                    subject()
                )
        finally:
            over.set()
            dripping.join()


def test_a_huge_answer_is_not_read(opened: Open, server: Inference) -> None:
    server.will(Answer(b" " * (servers.LARGEST_ANSWER + 1)))
    with pytest.raises(Unavailable, match="too large"):
        opened().predict(subject())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_picture_is_never_sent_elsewhere(opened: Open, server: Inference, status: int) -> None:
    with inference() as other:
        other.will(GOOD)
        server.will(Answer(status=status, headers={"Location": other.url}))
        with pytest.raises(ConfigError, match="redirects are not followed"):
            opened().predict(subject())
        assert other.requests == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, ConfigError, "does not accept the token"),
        (403, ConfigError, "does not accept the token"),
        (413, Invalid, "refused the picture"),
        (422, Invalid, "refused the picture"),
        (500, Unavailable, "failed"),
        (204, Unavailable, "failed"),
    ],
)
def test_what_a_server_refuses_is_told_apart(
    opened: Open, server: Inference, status: int, kind: type[ImgcoreError], said: str
) -> None:
    server.will(Answer(b"", status=status))
    with pytest.raises(kind, match=said):
        opened().predict(subject())
    assert len(server.requests) == 1


def test_what_is_no_picture_is_not_sent(opened: Open, server: Inference) -> None:
    with pytest.raises(Damaged):
        opened().predict(Subject(b"patient list", 10, 10, None))
    assert server.requests == []


def test_only_a_server_with_a_trusted_certificate_gets_the_picture(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = signed_by_itself(tmp_path / "certificate.pem")
    with inference(certificate) as server:
        server.will(GOOD)
        analyser = opened(url=server.url)
        with pytest.raises(Unavailable, match="connection to the server"):
            analyser.predict(subject())
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = installed(settings(tmp_path))["served"]
        assert trusting.predict(subject()).confidence == 0.75


def signed_by_itself(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "models")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return path
