from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from imgcore.domain.links import LONGEST_SECONDS, derived_key, sign, verify
from imgcore.errors import Unauthenticated

NOW = datetime(2025, 11, 6, 14, 2, 30, tzinfo=UTC)
USER, IMAGE = UUID(int=1), UUID(int=2)
KEY = derived_key("secret", "links")


def check(expires: int, now: datetime = NOW, key: bytes = KEY) -> None:
    verify(KEY, USER, IMAGE, "display", expires, sign(key, USER, IMAGE, "display", expires), now)


def test_a_link_is_good_until_it_expires() -> None:
    expires = int(NOW.timestamp()) + 60
    check(expires)
    check(expires, NOW + timedelta(seconds=60))
    with pytest.raises(Unauthenticated):
        check(expires, NOW + timedelta(seconds=60.1))


def test_no_link_lives_longer_than_it_may() -> None:
    check(int(NOW.timestamp()) + LONGEST_SECONDS)
    with pytest.raises(Unauthenticated):
        check(int(NOW.timestamp()) + LONGEST_SECONDS + 1)


def test_every_use_of_the_secret_has_its_own_key() -> None:
    keys = {derived_key(secret, use) for secret in ("a", "b") for use in ("links", "tokens")}
    assert len(keys) == 4
    with pytest.raises(Unauthenticated):
        check(int(NOW.timestamp()) + 60, key=derived_key("secret", "tokens"))


def test_no_two_links_have_one_signature() -> None:
    signatures = {
        sign(KEY, user, image, kind, expires)
        for user in (USER, IMAGE)
        for image in (USER, IMAGE)
        for kind in ("display", "original")
        for expires in (1, 2)
    }
    assert len(signatures) == 16
