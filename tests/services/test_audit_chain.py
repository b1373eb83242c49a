"""The chain of the audit: nobody alters or removes a line without being found out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from imgcore.bootstrap import build
from imgcore.config import load_settings
from imgcore.db.journal import Event
from imgcore.domain import chains
from imgcore.domain.access import system
from imgcore.domain.chains import COLUMNS, Finding, Verdict, link
from imgcore.services import seals
from tests.services.clinics import House, Opens
from tests.services.databases import on_both
from tests.services.test_simultaneous import at_once

WHO = system("sealer")


def raw(clinic: House, *statements: str) -> None:
    """Do what only somebody with the database in their hands can do."""
    with clinic.clinic.database.engine.connect() as connection:
        options = connection.execution_options(imgcore_write=True)
        with options.begin():
            for statement in statements:
                connection.exec_driver_sql(statement)


def unguard(clinic: House) -> None:
    """Take away what protects the lines inside the database."""
    of_table = "" if clinic.clinic.database.on_sqlite else " ON event"
    raw(clinic, *(f"DROP TRIGGER {name}{of_table}" for name in ("event_is_for_ever", "event_is_unchanged")))


def fill(clinic: House, count: int = 12) -> None:
    """Leave some lines, seal them, and keep the newest hash."""
    for number in range(count):
        clinic.patient(f"Patient {number}")
    clinic.services.seals.run(WHO)
    clinic.services.seals.keep_head(WHO)


def verify(clinic: House) -> Verdict:
    return clinic.services.audit.verify(clinic.admin)


def kinds(verdict: Verdict) -> list[tuple[str, int, int]]:
    return [(each.kind, each.first, each.last) for each in verdict.findings]


@on_both
def test_every_committed_line_is_numbered_and_hangs_on_the_one_before(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "AT_ONCE", 5)
    fill(clinic)
    lines = clinic.events()
    assert [line.seal for line in lines] == list(range(1, len(lines) + 1))
    before = ""
    for line in lines:
        before = link(line.model_dump(), line.seal or 0, before)
        assert line.chain == before
    assert clinic.services.seals.run(WHO) == 0
    verdict = verify(clinic)
    assert (verdict.holds, verdict.lines, verdict.heads_compared) == (True, len(lines), 1)
    assert verdict.text == f"All {len(lines)} lines hold; head {len(lines)} {before}."


@on_both
def test_verifying_is_itself_a_line(clinic: House) -> None:
    fill(clinic)
    verify(clinic)
    line = clinic.events()[-1]
    assert (line.action, line.outcome, line.count) == ("audit.verify", "done", line.id and line.id - 1)


CHANGES = {
    "at": "at = '2001-02-03 04:05:06'",
    "actor_id": "actor_id = NULL",
    "action": "action = 'image.see'",
    "outcome": "outcome = 'refused'",
    "patient_id": "patient_id = NULL",
    "entity": "entity = 'batch'",
    "entity_ids": "entity_ids = '[]'",
    "field_names": """field_names = '["name"]'""",
    "count": "count = 7",
    "address": "address = '192.0.2.99'",
    "request_id": "request_id = 'other'",
    "chain": f"chain = '{'0' * 64}'",
}


def test_every_column_is_tried() -> None:
    assert set(CHANGES) == set(COLUMNS) - {"id"} | {"chain"}
    assert set(COLUMNS) | {"seal", "chain"} == set(Event.model_fields)


@on_both
def test_an_altered_line_is_named_and_no_other(clinic: House) -> None:
    fill(clinic, 14)
    unguard(clinic)
    for seal, change in enumerate(CHANGES.values(), 3):
        raw(clinic, f"UPDATE event SET {change} WHERE seal = {seal}")
    verdict = verify(clinic)
    assert not verdict.holds
    assert kinds(verdict) == [("altered", seal, seal) for seal in range(3, 3 + len(CHANGES))]
    assert verdict.findings[0].text == "Line 3 was altered."
    assert clinic.events()[-1].outcome == "failed"


def test_a_line_that_cannot_even_be_read_is_named(clinic: House) -> None:
    fill(clinic)
    unguard(clinic)
    raw(
        clinic,
        "UPDATE event SET at = 'never' WHERE seal = 3",
        "UPDATE event SET entity_ids = '[' WHERE seal = 6",
        "UPDATE event SET actor_id = 'nobody' WHERE seal = 9",
    )
    assert kinds(verify(clinic)) == [("altered", seal, seal) for seal in (3, 6, 9)]


@on_both
def test_removed_lines_are_named(clinic: House) -> None:
    fill(clinic)
    unguard(clinic)
    raw(clinic, "DELETE FROM event WHERE seal IN (1, 2, 6)")
    assert kinds(verify(clinic)) == [("removed", 1, 2), ("removed", 6, 6)]


@on_both
def test_a_removed_tail_is_found_by_what_was_kept_outside(clinic: House) -> None:
    fill(clinic)
    last = len(clinic.events())
    unguard(clinic)
    raw(clinic, f"DELETE FROM event WHERE seal > {last - 3}")
    assert kinds(verify(clinic)) == [("tail", last - 2, last)]
    assert f"Lines {last - 2} to {last} were removed" in verify(clinic).findings[0].text


@on_both
def test_a_chain_made_anew_is_found_by_what_was_kept_outside(clinic: House) -> None:
    """Somebody who knows the program alters a line and hashes it and all that follow again."""
    fill(clinic)
    lines = clinic.events()
    last = len(lines)
    unguard(clinic)
    raw(clinic, "UPDATE event SET outcome = 'refused' WHERE seal = 4")
    raw(clinic, "UPDATE event SET seal = NULL, chain = NULL WHERE seal >= 4")
    clinic.services.seals._last = None  # as another process, which has not seen the true ones
    clinic.services.seals.run(WHO)
    assert clinic.events()[last - 1].seal == last
    assert kinds(verify(clinic)) == [("replaced", last, last)]


@on_both
def test_a_running_server_remembers_what_it_sealed_last(
    clinic: House, caplog: pytest.LogCaptureFixture
) -> None:
    fill(clinic, 3)
    clinic.patient()
    clinic.services.seals.run(WHO)  # after the daily hash was kept
    last = len(clinic.events())
    unguard(clinic)
    raw(clinic, f"DELETE FROM event WHERE seal = {last}")
    clinic.patient()
    with caplog.at_level(logging.CRITICAL):
        clinic.services.seals.run(WHO)
    assert f"line {last} of the audit was sealed and is gone or altered" in caplog.text
    assert kinds(verify(clinic)) == [("replaced", last, last)]


@on_both
def test_a_line_that_waits_too_long_for_its_seal_is_found(clinic: House) -> None:
    fill(clinic)
    clinic.patient()
    assert verify(clinic).holds
    clinic.clock.forward(seconds=61)
    (finding,) = verify(clinic).findings
    assert (finding.kind, finding.first) == ("unsealed", 2)  # the patient, and the verification before
    clinic.services.seals.run(WHO)
    assert verify(clinic).holds


@on_both
def test_two_sealers_at_once_make_one_chain(
    clinic: House, open_clinic: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seals, "AT_ONCE", 3)
    other = build(load_settings(data_dir=clinic.folder, database_url=clinic.url), clock=clinic.clock)
    stop = threading.Event()

    def keep_sealing(run: Callable[[Any], int]) -> None:
        while not stop.is_set():
            run(WHO)

    sealers = [
        threading.Thread(target=keep_sealing, args=(each.services.seals.run,))
        for each in (clinic.clinic, other)
    ]
    for sealer in sealers:
        sealer.start()
    try:
        at_once(*[lambda: [clinic.patient() for _ in range(15)]] * 4)
    finally:
        stop.set()
        for sealer in sealers:
            sealer.join(30)
        other.close()
    clinic.services.seals.run(WHO)
    lines = clinic.events()
    assert sorted(line.seal or 0 for line in lines) == list(range(1, len(lines) + 1))
    assert verify(clinic).holds


def test_a_line_that_is_committed_late_gets_the_next_number(clinic: House) -> None:
    """On PostgreSQL ids are given before lines are committed, so a lower id may come later."""
    fill(clinic, 2)
    columns = "id, at, action, outcome, entity, entity_ids, field_names, count, address, request_id"
    values = "-5, '2026-01-01 00:00:00', 'sign_in', 'done', '', '[]', '[]', 0, '', ''"
    raw(clinic, f"INSERT INTO event ({columns}) VALUES ({values})")
    count = len(clinic.events())
    assert clinic.services.seals.run(WHO) == 1
    assert clinic.events()[0].seal == count
    assert verify(clinic).holds


def heads(clinic: House) -> list[str]:
    return clinic.services.settings.heads_file.read_text().splitlines()


def test_the_newest_hash_is_kept_daily_and_at_the_end(clinic: House) -> None:
    keep = clinic.services.seals.keep_head
    fill(clinic, 2)
    for _ in range(3):
        keep(WHO)
    assert len(heads(clinic)) == 1
    clinic.patient()
    clinic.services.seals.run(WHO)
    clinic.clock.forward(days=1)
    keep(WHO)
    clinic.patient()
    clinic.services.seals.run(WHO)
    keep(WHO)
    assert len(heads(clinic)) == 2
    keep(WHO, is_end=True)
    keep(WHO, is_end=True)  # nothing new
    last = clinic.events()[-1]
    at, seal, chain = heads(clinic)[-1].split()
    assert (len(heads(clinic)), int(seal), chain) == (3, last.seal, last.chain)
    assert at.endswith("Z")
    assert clinic.services.settings.heads_file.stat().st_mode & 0o777 == 0o600


def test_closing_a_clinic_seals_its_last_lines(open_clinic: Opens) -> None:
    clinic = open_clinic()
    clinic.patient()
    clinic.clinic.close()
    assert heads(clinic)[-1].split()[1] == str(len(clinic.events()))


def test_the_file_can_lie_elsewhere_and_a_disk_that_is_away_stops_nothing(
    open_clinic: Opens, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    disk = tmp_path / "disk"
    clinic = open_clinic(audit_heads=disk / "heads.txt")
    fill(clinic, 1)
    assert "could not be kept" in caplog.text
    disk.mkdir()
    clinic.services.seals.keep_head(WHO)  # not again in the same hour
    assert not list(disk.iterdir())
    clinic.clock.forward(hours=1)
    clinic.services.seals.keep_head(WHO)
    assert len(heads(clinic)) == 1
    assert clinic.services.settings.heads_file == disk / "heads.txt"


def test_a_file_of_hashes_that_was_tampered_with_is_told(clinic: House) -> None:
    fill(clinic)
    with clinic.services.settings.heads_file.open("a") as file:
        file.write("nonsense\n")
    assert kinds(verify(clinic)) == [("unreadable", 2, 2)]


def test_only_the_first_faults_are_named_and_all_are_counted(clinic: House) -> None:
    fill(clinic, 30)
    unguard(clinic)
    raw(clinic, "UPDATE event SET count = 99")
    verdict = verify(clinic)
    assert (verdict.found, len(verdict.findings)) == (len(clinic.events()) - 1, chains.NAMED_AT_MOST)
    assert verdict.text == f"{verdict.found} faults were found."


def test_a_finding_tells_its_moment_in_utc(clinic: House) -> None:
    moment = clinic.clock() - timedelta(days=1)
    text = Finding("tail", 3, 4, moment).text
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC" in text
