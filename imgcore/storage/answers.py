"""What the error answers of an S3 server mean to the people of a clinic."""

from __future__ import annotations

from http import HTTPStatus

from imgcore.errors import ImgcoreError, StoreUnavailable
from imgcore.storage.disks import full
from imgcore.storage.objects import missing, spoilt
from imgcore.texts import _

# Answers without a body (to HEAD) carry the number of the status as their code.
NO_OBJECT = {"NoSuchKey", "404"}
NO_SPACE = {"InsufficientStorage", "XMinioStorageFull", "QuotaExceeded"}
SPOILT = {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
CREDENTIALS = {"AccessDenied", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "400"}


def meaning(code: str, status: int) -> ImgcoreError:
    """Return the error for an answer with this code of the protocol and this HTTP status."""
    if code in NO_OBJECT:
        return missing()
    if code in NO_SPACE or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return full()
    if code in SPOILT:
        return spoilt()
    if code == "NoSuchBucket":
        return no_bucket()
    if code in CREDENTIALS or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return no_credentials()
    if code in ELSEWHERE:
        return StoreUnavailable(
            _("The store of the image files is in another region, or does not accept the request."),
            hint=_("Check region in IMGCORE_STORAGE_URL."),
        )
    return StoreUnavailable(
        _("The store of the image files answered with a fault ({code}).").format(code=code),
        hint=_("Please try again in a moment."),
    )


def no_answer() -> StoreUnavailable:
    """Return the error for a server that is out of reach, hangs or breaks off."""
    return StoreUnavailable(
        _("The store of the image files does not answer."), hint=_("Please try again in a moment.")
    )


def no_bucket() -> StoreUnavailable:
    """Return the error for a bucket that does not exist."""
    return StoreUnavailable(
        _("The bucket for the image files does not exist."),
        hint=_("Create it, or correct IMGCORE_STORAGE_URL."),
    )


def no_credentials() -> StoreUnavailable:
    """Return the error for credentials that are absent, wrong, expired or not enough."""
    return StoreUnavailable(
        _("The store of the image files does not accept this server's credentials."),
        hint=_("Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, what they may do, and the clock."),
    )
