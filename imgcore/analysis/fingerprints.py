"""The hash that says which model gave a result: over its card and every file beside it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from imgcore.domain.analyses import Model
from imgcore.errors import ConfigError, Conflict
from imgcore.texts import _

# What Hugging Face downloaded; the card pins it by its commit.
DOWNLOADS = "hub"
_FileState = tuple[Path, int, int]
_known: dict[_FileState, str] = {}
_lock = threading.Lock()


def of_folder(folder: Path) -> str:
    """Return the SHA-256 of what ``sha256sum`` prints for the files of a folder, sorted by their paths.

    Hidden files and downloads do not count. A file is read again when its size or time has changed.
    """
    try:
        lines = [f"{_of_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    except OSError as error:
        raise ConfigError(
            _("The files of the model in {folder} cannot be read: {reason}.").format(
                folder=folder.name, reason=error.strerror
            )
        ) from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def require_unchanged(model: Model, folder: Path) -> None:
    """Refuse files that are not those whose hash is kept with every result."""
    if of_folder(folder) != model.sha256:
        raise Conflict(
            _("The files of the model {title} were changed a moment ago.").format(title=model.title),
            hint=_("Try it again in a few seconds, when the new ones have been found."),
        )


def _files(folder: Path) -> list[Path]:
    inside = {path: path.relative_to(folder) for path in _walked(folder)}
    counting = [path for path, name in inside.items() if not _is_left_out(name)]
    return sorted(counting, key=lambda path: inside[path].as_posix().encode())


def _walked(folder: Path) -> Iterator[Path]:
    """Yield the files, those behind links too: weights are often kept once for several models."""

    def fail(error: OSError) -> None:
        raise error

    for place, _folders, names in os.walk(folder, followlinks=True, onerror=fail):
        yield from (Path(place, name) for name in names)


def _is_left_out(name: Path) -> bool:
    return name.parts[0] == DOWNLOADS or any(part.startswith(".") for part in name.parts)


def _of_file(path: Path) -> str:
    seen = path.stat()
    state = (path, seen.st_size, seen.st_mtime_ns)
    with _lock:
        if state not in _known:
            with path.open("rb") as file:
                _known[state] = hashlib.file_digest(file, "sha256").hexdigest()
        return _known[state]
