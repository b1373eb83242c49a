"""The one address that says where the image files are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from imgcore.errors import ConfigError
from imgcore.storage.cloud import CloudBucket, Scheme
from imgcore.storage.keys import is_key
from imgcore.storage.local import LocalFolder
from imgcore.storage.objects import ObjectStore
from imgcore.storage.s3 import ENCRYPTIONS, S3Bucket
from imgcore.texts import _

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
OPTIONS = {
    "s3": ("endpoint_url", "region", "sse"),
    "gs": ("endpoint_url",),
    "az": ("endpoint_url", "account"),
}


def open_store(url: str) -> ObjectStore:
    """Return the store of a folder, ``file:///folder``, ``s3://``, ``gs://`` or ``az://bucket/prefix?...``.

    A folder is made; a bucket is first asked when it is used. ``ConfigError`` says what is
    accepted and never repeats the address, which may hold a password.
    """
    _scheme, divider, _rest = url.partition("://")
    if not url or "\0" in url:
        raise _refusal(_("IMGCORE_STORAGE_URL is not an address of a store."))
    if not divider:
        return LocalFolder(Path(url).expanduser().absolute())
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refusal(_("IMGCORE_STORAGE_URL is not an address of a store.")) from None
    if parts.scheme == "file":
        return _folder(parts)
    if parts.scheme in OPTIONS:
        return _bucket(parts)
    raise _refusal(_("IMGCORE_STORAGE_URL names a kind of store that Imgcore does not know."))


def _folder(parts: SplitResult) -> LocalFolder:
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not path.startswith("/"):
        raise _refusal(_("IMGCORE_STORAGE_URL is not the address of a folder of this machine."))
    return LocalFolder(Path(path))


def _bucket(parts: SplitResult) -> ObjectStore:
    if "@" in parts.netloc:
        raise _refusal(
            _("IMGCORE_STORAGE_URL must not hold credentials: set AWS_ACCESS_KEY_ID and the like instead.")
        )
    if not BUCKET.fullmatch(parts.netloc):
        raise _refusal(_("IMGCORE_STORAGE_URL names no bucket, or one whose name cannot be."))
    prefix = unquote(parts.path).strip("/")
    if parts.fragment or (prefix and not is_key(prefix)):
        raise _refusal(_("IMGCORE_STORAGE_URL has a prefix that cannot be used."))
    options = _options(parts.query, OPTIONS[parts.scheme])
    endpoint_url = options.get("endpoint_url")
    if parts.scheme != "s3":
        scheme = cast("Scheme", parts.scheme)
        account = options.get("account")
        return CloudBucket(scheme, parts.netloc, prefix, endpoint_url=endpoint_url, account=account)
    sse = ENCRYPTIONS.get(options.get("sse", ""))
    region = options.get("region")
    return S3Bucket(parts.netloc, prefix, endpoint_url=endpoint_url, region=region, sse=sse)


def _options(query: str, names: Sequence[str]) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs) or not set(options) <= set(names) or not all(options.values()):
        raise _refusal(
            _("IMGCORE_STORAGE_URL takes each of these once, with a value: {names}.").format(
                names=", ".join(names)
            )
        )
    if options.get("sse", "AES256") not in ENCRYPTIONS:
        raise _refusal(
            _("sse in IMGCORE_STORAGE_URL is one of {names}.").format(names=", ".join(ENCRYPTIONS))
        )
    if "endpoint_url" in options and not _is_server(options["endpoint_url"]):
        raise _refusal(_("endpoint_url in IMGCORE_STORAGE_URL is not the plain address of a server."))
    return options


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        reachable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return reachable and "@" not in parts.netloc and not parts.query and not parts.fragment


def _refusal(message: str) -> ConfigError:
    return ConfigError(
        message,
        hint=_(
            "Accepted are a folder, file:///absolute/folder, "
            "s3://bucket/prefix?endpoint_url=...&region=...&sse=AES256 (or aws:kms), "
            "gs://bucket/prefix?endpoint_url=... and az://container/prefix?account=...&endpoint_url=..."
        ),
    )
