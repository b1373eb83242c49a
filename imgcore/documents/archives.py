"""ZIP archives written while they are sent, with a length that is known before the first byte."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from imgcore.documents.zip_records import Member, dos_stamp, end_records
from imgcore.domain.checksums import crc32
from imgcore.domain.names import safe_file_name, same_name
from imgcore.errors import Invalid, Unavailable
from imgcore.texts import _

REPORT_NAME = "REPORT.txt"

_DIRECTORY_CHUNK = 256 * 1024
_BLANK_LINE = b" " * 79 + b"\n"


@dataclass(frozen=True)
class ArchiveEntry:
    """One file to pack: its name in the archive, what the database says of it, and how to read it.

    ``modified_at`` with a zone is written as the server's local time, without one as it stands.
    """

    name: str
    size: int
    crc32: int
    modified_at: datetime | None
    open: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class LeftOut:
    """A file that could not be packed, and why, in words for the person who opens the archive."""

    name: str
    reason: str


class Archive:
    """An archive of stored files: first the documents, then the entries, last ``REPORT.txt``.

    The report counts the files and names those left out and those found changed.
    """

    def __init__(
        self,
        entries: Sequence[ArchiveEntry],
        *,
        documents: Mapping[str, bytes] = MappingProxyType({}),
        left_out: Sequence[LeftOut] = (),
    ) -> None:
        now = datetime.now(UTC)
        self._left_out = left_out
        self._count = len(entries)
        # Named in full here, so that the report has room for every name it can come to hold.
        longest_report = self._report([entry.name for entry in entries])
        first = [_document(name, content, now) for name, content in documents.items()]
        self._entries = [*first, *entries, _document(REPORT_NAME, longest_report, now)]
        _check_names([entry.name for entry in self._entries])
        self._members: list[Member] = []
        self._directory_offset = 0
        for entry in self._entries:
            self._append(entry, entry.modified_at or now)
        self._directory_size = sum(len(member.central_header(0)) for member in self._members)
        self.content_length = self._directory_offset + self._directory_size + len(self._end())

    def stream(self) -> Generator[bytes, None, None]:
        """Yield the archive, exactly ``content_length`` bytes.

        Raises what opening or reading an entry raises, and ``Unavailable`` for an entry that is
        shorter or longer than announced: an archive that ends without an error is whole. A file
        of the right length and other content is delivered as it is, and named in the report.
        ``close()`` closes the entry that is being read.
        """
        checksums: list[int] = []
        changed: list[str] = []
        *entries, longest_report = self._entries
        for entry, member in zip(entries, self._members, strict=False):
            checksums.append((yield from _packed(entry, member)))
            if checksums[-1] != entry.crc32:
                changed.append(entry.name)
        text = self._report(changed)
        report = _document(REPORT_NAME, text + _blank(longest_report.size - len(text)), None)
        checksums.append((yield from _packed(report, self._members[-1])))
        yield from self._directory(checksums)

    def _append(self, entry: ArchiveEntry, modified_at: datetime) -> None:
        local_time = modified_at.astimezone() if modified_at.tzinfo else modified_at
        member = Member(entry.name.encode(), entry.size, dos_stamp(local_time), self._directory_offset)
        self._members.append(member)
        self._directory_offset += len(member.local_header()) + member.size + len(member.descriptor(0))

    def _directory(self, checksums: list[int]) -> Iterator[bytes]:
        chunk = bytearray()
        for member, checksum in zip(self._members, checksums, strict=True):
            chunk += member.central_header(checksum)
            if len(chunk) >= _DIRECTORY_CHUNK:
                yield bytes(chunk)
                chunk.clear()
        yield bytes(chunk) + self._end()

    def _end(self) -> bytes:
        return end_records(len(self._members), self._directory_size, self._directory_offset)

    def _report(self, changed: Sequence[str]) -> bytes:
        """Return the report; every line it has for fewer changed files it has, no shorter, for more."""
        lines = [_("Files in this archive: {count}").format(count=self._count)]
        lines += ["", _("Files left out: {count}").format(count=len(self._left_out))]
        lines += [f"  {file.name}: {' '.join(file.reason.split())}" for file in self._left_out]
        lines += ["", _("Files that have changed since they were stored: {count}").format(count=len(changed))]
        if changed:
            lines += [_("They are packed as they are now. Check each before you rely on it.")]
        lines += [f"  {name}" for name in changed]
        return ("\n".join(lines) + "\n").encode(errors="replace")


def _packed(entry: ArchiveEntry, member: Member) -> Generator[bytes, None, int]:
    """Yield a member with its headers and return the CRC of the bytes that were read."""
    yield member.local_header()
    chunks = entry.open()
    checksum, left = 0, entry.size
    try:
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                break
            checksum = crc32(chunk, checksum)
            yield chunk
    finally:
        if close := getattr(chunks, "close", None):
            close()
    if left:
        raise Unavailable(
            _('The archive was stopped: "{name}" has another size than before.').format(name=entry.name),
            hint=_("Download it again; a file that cannot be read is then left out and named."),
        )
    yield member.descriptor(checksum)
    return checksum


def _document(name: str, content: bytes, modified_at: datetime | None) -> ArchiveEntry:
    return ArchiveEntry(name, len(content), crc32(content), modified_at, lambda: iter((content,)))


def _blank(size: int) -> bytes:
    return (_BLANK_LINE * (size // len(_BLANK_LINE) + 1))[:size]


def _check_names(names: Sequence[str]) -> None:
    taken: set[str] = set()
    for name in names:
        if name != safe_file_name(name):
            raise Invalid(_('"{name}" cannot name a file in an archive.').format(name=name))
        if same_name(name) in taken:
            raise Invalid(_('Two files of the archive would be named "{name}".').format(name=name))
        taken.add(same_name(name))
