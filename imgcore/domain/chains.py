"""The chain of audit lines: each is numbered and hashed together with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from imgcore.texts import _, ngettext

# Stands in what is hashed: a line that is written another way one day gets another word.
VERSION = "imgcore-audit-1"
START = ""
# What is hashed of a line, in this order; a column that is added later belongs to a new version.
COLUMNS = (
    "id", "at", "actor_id", "action", "outcome", "patient_id", "entity", "entity_ids", "field_names",
    "count", "address", "request_id",
)  # fmt: skip
NAMED_AT_MOST = 20

Kind = Literal["altered", "removed", "tail", "replaced", "unsealed", "unreadable"]


@dataclass(frozen=True)
class Head:
    """The number and hash of a line; ``at`` is when it was kept outside the database."""

    seal: int
    chain: str
    at: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the lines ``first`` to ``last``, numbered as they were sealed.

    For ``unsealed`` it is how many and the id of the oldest; for ``unreadable`` a line of the file of hashes.
    """

    kind: Kind
    first: int
    last: int
    at: datetime | None = None

    @property
    def text(self) -> str:
        """What was found, as a sentence."""
        when = f"{self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else ""
        is_one = self.kind == "removed" and self.first == self.last
        text = _("Line {first} was removed.") if is_one else _texts()[self.kind]
        return text.format(first=self.first, last=self.last, when=when)


def _texts() -> dict[Kind, str]:
    return {
        "altered": _("Line {first} was altered."),
        "removed": _("Lines {first} to {last} were removed."),
        "tail": _("Lines {first} to {last} were removed; the last one was known at {when}."),
        "replaced": _("Line {first} is not the one that was known at {when}: all up to it is in doubt."),
        "unsealed": _("{first} lines have waited for their seal for over a minute, since {when}."),
        "unreadable": _("Line {first} of the file of hashes outside the database cannot be read."),
    }


@dataclass(frozen=True)
class Verdict:
    """What a walk over the whole chain found; ``findings`` names the first ones of ``found``."""

    lines: int
    head: Head | None
    heads_compared: int
    found: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        if self.found:
            return ngettext("{count} fault was found.", "{count} faults were found.", self.found)
        if self.head is None:
            return _("There is no sealed line yet.")
        return _("All {lines} lines hold; head {seal} {chain}.").format(
            lines=self.lines, seal=self.head.seal, chain=self.head.chain
        )


def link(line: Mapping[str, Any], seal: int, before: str) -> str:
    """Return the hash of a line with its number and the hash of the line before, in hexadecimal."""
    values = [_plain(line[name]) for name in COLUMNS]
    written = json.dumps([VERSION, seal, before, *values], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as it is hashed: whatever the database, in one way only."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None or isinstance(value, str | int):
        return value
    return [str(each) for each in value] if isinstance(value, list) else str(value)


@dataclass
class Walk:
    """Checks the lines one after the other, in the order of their numbers, against kept heads too."""

    kept: Iterable[Head] = ()
    lines: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    head: Head | None = None

    def __post_init__(self) -> None:
        """Sort what was kept by number."""
        self._kept: dict[int, list[Head]] = {}
        for each in self.kept:
            self._kept.setdefault(each.seal, []).append(each)
        self._compared = 0
        self._before = {START}

    def step(self, seal: int | Any, chain: str, line: Mapping[str, Any] | None) -> None:
        """Check the next line; None stands for one whose content cannot even be read."""
        self.lines += 1
        if not isinstance(seal, int):  # SQLite keeps a word where a number belongs
            self.report(Finding("altered", self.lines, self.lines))
            return
        expected = self.head.seal + 1 if self.head else 1
        hashes = {link(line, seal, each) for each in self._before} if line is not None else set()
        if seal > expected:  # what this line hangs on is gone, so it cannot be checked itself
            self.report(Finding("removed", expected, seal - 1))
        elif seal < expected or chain not in hashes:
            self.report(Finding("altered", seal, seal))
        # Where only the hash of a line was altered, the next one hangs on the one that it had.
        self._before = {chain} if chain in hashes else {chain, *hashes}
        for each in self._kept.pop(seal, ()):
            self._compared += 1
            if each.chain != chain:
                self.report(Finding("replaced", seal, seal, each.at))
        self.head = Head(seal, chain)

    def end(self) -> Verdict:
        """Return what was found, once the last line was checked."""
        last = self.head.seal if self.head else 0
        furthest = max(self._kept, default=0)
        if furthest > last:
            self.report(Finding("tail", last + 1, furthest, self._kept[furthest][-1].at))
        return Verdict(self.lines, self.head, self._compared, self.found, tuple(self.findings))

    def report(self, finding: Finding) -> None:
        """Count something that is wrong, and name it while there is not too much of it."""
        self.found += 1
        if len(self.findings) < NAMED_AT_MOST:
            self.findings.append(finding)
