"""Every error that Imgcore raises on purpose, in one tree, each fit to show to a person."""

from __future__ import annotations

from typing import ClassVar


class ImgcoreError(Exception):
    """An error with a stable ``code``, a sentence for people and, where it helps, a next step.

    ``message`` and ``hint`` never hold a secret, a path of the server or the name of a patient.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(ImgcoreError):
    """A setting is missing, malformed or contradicts what is already stored."""

    code = "bad_setting"


class Invalid(ImgcoreError):
    """What was sent cannot be used; nothing was changed."""

    code = "invalid"


class Unauthenticated(ImgcoreError):
    """Nobody is signed in, or the session or token has ended."""

    code = "not_signed_in"


class Locked(Unauthenticated):
    """The session was left alone for a while, and waits for the password of its person."""

    code = "locked"


class Forbidden(ImgcoreError):
    """The person may see the thing, and their role may not do this with it."""

    code = "forbidden"


class NotFound(ImgcoreError):
    """There is no such thing, or the person may not know that there is."""

    code = "not_found"


class Conflict(ImgcoreError):
    """The request contradicts what is stored."""

    code = "conflict"


class Stale(Conflict):
    """The thing was changed by somebody else since it was read."""

    code = "stale"


class TooManyTries(ImgcoreError):
    """Too many tries in too short a time; ``retry_after`` is in seconds."""

    code = "too_many_tries"

    def __init__(self, message: str, *, retry_after: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class FileRefused(ImgcoreError):
    """A file that is not stored, because of what it is; trying again will not help."""

    code = "refused"


class TooLarge(FileRefused):
    """A file or a request has more bytes than allowed."""

    code = "too_large"


class UnsupportedType(FileRefused):
    """The bytes are not a picture of an accepted format, whatever the name says."""

    code = "unsupported_type"


class Damaged(FileRefused):
    """The file is cut short or its content cannot be decoded."""

    code = "damaged"


class TooManyPixels(FileRefused):
    """The picture has more pixels or frames than allowed, or would need too much memory."""

    code = "too_many_pixels"


class Unavailable(ImgcoreError):
    """A part that Imgcore needs does not answer; the same request can work later."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The store of the image files does not answer, or answers with a fault of its own."""

    code = "store_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database is locked, restarting or out of reach."""

    code = "database_unavailable"


class DecoderUnavailable(Unavailable):
    """The worker that decodes pictures died or was too slow for this file."""

    code = "decoder_unavailable"


class StorageFull(ImgcoreError):
    """No space is left where image files or the database are kept."""

    code = "storage_full"


class ObjectMissing(ImgcoreError):
    """The store holds no object under a key that the database names."""

    code = "object_missing"


class ObjectExists(Conflict):
    """An object is already stored under this key, with other content."""

    code = "object_exists"
