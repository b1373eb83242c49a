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
ELSEWHERE = {
    "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "400",
}  # fmt: skip


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
    return fault(code)


def fault(code: str) -> StoreUnavailable:
    """Return the error for a server that has trouble of its own, or asks for something unheard of."""
    return StoreUnavailable(
        _("The store of the image files answered with a fault ({code}).").format(code=code),
        hint=_("Please try again in a moment."),
    )


def no_answer() -> StoreUnavailable:
    """Return the error for a server that is out of reach, hangs or breaks off."""
    return StoreUnavailable(
        _("The store of the image files does not answer."), hint=_("Please try again in a moment.")
    )


def no_bucket(command: str = "python -m imgcore storage create") -> StoreUnavailable:
    """Return the error for a bucket that does not exist, with the command that makes it."""
    return StoreUnavailable(
        _("The bucket for the image files does not exist."),
        hint=_("Correct IMGCORE_STORAGE_URL, or create the bucket: {command}").format(command=command),
    )


def no_credentials(names: str = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY") -> StoreUnavailable:
    """Return the error for credentials that are absent, wrong, expired or not enough."""
    return StoreUnavailable(
        _("The store of the image files does not accept this server's credentials."),
        hint=_("Check {names}, what they may do, and the clock.").format(names=names),
    )
