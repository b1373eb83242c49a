"""What is told of a patient elsewhere than in their own rows, and how it is forgotten."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgcore.db.journal import Change, GivenSet, ImageSet, ImageSetItem, Job, Setting, Share
from imgcore.db.tables import (
    AccessToken,
    Analysis,
    Batch,
    Image,
    Impression,
    OneTimeLink,
    Patient,
    User,
    Visit,
)
from imgcore.services.patients import fold
from imgcore.services.sight import parts
from imgcore.services.sign_in import end_sessions
from imgcore.services.work import Work
from imgcore.texts import _

_DUE = "rewriting_due"
_NIGHT = 3  # o'clock where the server stands: everybody who writes waits meanwhile
_SHORTEST_WORD = 3
_LOT = 500
_PARENTS = ("batch_id", "patient_id", "visit_id")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Subject:
    """Whom it is about: every id that is theirs, and what they are known by, folded."""

    patient_id: UUID
    ids: frozenset[str]
    words: frozenset[str]
    names: tuple[str, ...]

    def is_named_in(self, text: str) -> bool:
        """Tell whether one of the words stands in a text by itself, or a whole name or number anywhere."""
        folded = fold(text)
        return bool(self.words & set(_WORD.findall(folded))) or any(each in folded for each in self.names)


def subject(work: Work, row: Patient) -> Subject:
    """Return whom a patient's row is about."""
    ids = [str(row.id)]
    for table in (Batch, Visit):
        ids += map(str, work.session.exec(select(table.id).where(table.patient_id == row.id)))
    images = select(Image.id).join(Batch).where(Batch.patient_id == row.id)
    ids += map(str, work.session.exec(images))
    known = [fold(each) for each in (row.name, row.mrn, row.external_id) if each]
    words = {each for each in _WORD.findall(known[0]) if len(each) >= _SHORTEST_WORD}
    words |= {each for each in known if len(each) < _SHORTEST_WORD}
    parts_of_text = tuple(each for each in known if len(each) >= _SHORTEST_WORD)
    return Subject(row.id, frozenset(ids), frozenset(words), parts_of_text)


def erase(work: Work, about: Subject) -> None:
    """Forget what is told of a patient in undo entries, image sets, jobs and accounts."""
    _erase_changes(work, about)
    _erase_from_sets(work, about)
    _erase_jobs(work, about)
    forget(work, [about.patient_id])
    ask_for_rewriting(work)


def forget(work: Work, patient_ids: Collection[UUID]) -> None:
    """Remove the undo entries of patients and close their accounts."""
    work.session.execute(sa.delete(Change).where(col(Change.patient_id).in_(patient_ids)))
    _close_accounts(work, patient_ids)


def pass_on(work: Work, patient_ids: Collection[UUID]) -> None:
    """Give what was found in pictures that went to another patient since to that one, unreleased."""
    theirs = sa.select(col(Batch.patient_id)).join(Image, col(Image.batch_id) == col(Batch.id))
    for table in (Analysis, Impression):
        now = theirs.where(col(Image.id) == col(table.image_id)).correlate(table).scalar_subquery()
        moved = sa.update(table).where(
            col(table.patient_id).in_(patient_ids), col(table.image_id).is_not(None), now.not_in(patient_ids)
        )
        values: dict[str, Any] = {"patient_id": now}
        if table is Analysis:
            values |= {"released_at": None, "released_by": None, "record_id": None}
        work.session.execute(moved.values(values), execution_options={"synchronize_session": False})


def ask_for_rewriting(work: Work, *, can_wait: bool = False) -> None:
    """Note that the database's files have to be written anew: now, or when it can wait in the next night."""
    known = work.session.get(Setting, _DUE, with_for_update=True)
    due_at = _next_night(work.at) if can_wait else work.at
    if known is not None:
        due_at = min(due_at, datetime.fromisoformat(known.value["due_at"]))
    asked = {"asked_at": work.at.isoformat(), "due_at": due_at.isoformat()}
    work.session.merge(Setting(name=_DUE, value=asked, updated_at=work.at))
    work.session.flush()


def _next_night(at: datetime) -> datetime:
    night = at.astimezone().replace(hour=_NIGHT, minute=0, second=0, microsecond=0)
    return night if night > at else night + timedelta(days=1)


def rewriting_asked_at(work: Work) -> datetime | None:
    """Return since when the files have to be written anew, or None when they need not be, or not yet."""
    row = work.session.get(Setting, _DUE)
    if row is None or datetime.fromisoformat(row.value["due_at"]) > work.at:
        return None
    return datetime.fromisoformat(row.value["asked_at"])


def rewriting_is_done(work: Work, asked_at: datetime) -> None:
    """Take the note back, unless it was made again meanwhile."""
    row = work.session.get(Setting, _DUE, with_for_update=True)
    if row is not None and row.value["asked_at"] == asked_at.isoformat():
        work.session.delete(row)


def _erase_changes(work: Work, about: Subject) -> None:
    """Remove every undo entry that touches one of the patient's rows, also one across patients."""
    gone, silent = [], []
    columns = (col(Change.id), col(Change.rows), col(Change.reason))
    for change_id, rows, reason in _each(work, sa.select(*columns), col(Change.id)):
        if any(about.ids & set(_named(each)) for each in rows):
            gone.append(change_id)
        elif reason and about.is_named_in(reason):
            silent.append(change_id)
    for part in parts(gone):
        work.session.execute(sa.delete(Change).where(col(Change.id).in_(part)))
    for part in parts(silent):
        work.session.execute(sa.update(Change).where(col(Change.id).in_(part)).values(reason=""))


def _named(entry: Mapping[str, Any]) -> Iterator[str]:
    yield entry["id"]
    for side in ("before", "after"):
        values = entry.get(side, {})
        yield from (values[name] for name in _PARENTS if values.get(name))


def _each(work: Work, wanted: sa.Select[Any], key: Any) -> Iterator[Sequence[Any]]:
    """Go through rows in lots; the key stands first in each."""
    last = None
    while True:
        query = wanted.order_by(key).limit(_LOT)
        lot = work.session.execute(query if last is None else query.where(key > last)).all()
        yield from lot
        if len(lot) < _LOT:
            return
        last = lot[-1][0]


def _erase_from_sets(work: Work, about: Subject) -> None:
    """Take the patient's pictures out of image sets; a set that held no others goes with all its links."""
    images = select(Image.id).join(Batch).where(Batch.patient_id == about.patient_id)
    mine = sa.or_(col(ImageSetItem.patient_id) == about.patient_id, col(ImageSetItem.image_id).in_(images))
    touched = work.session.exec(select(ImageSetItem.image_set_id).where(mine).distinct()).all()
    work.session.execute(sa.delete(ImageSetItem).where(mine))
    kept = select(ImageSetItem.image_set_id).where(col(ImageSetItem.image_set_id).in_(touched))
    still = set(work.session.exec(kept.distinct()).all())
    for set_id in set(touched) - still:
        for table in (GivenSet, Share):
            work.session.execute(sa.delete(table).where(col(table.image_set_id) == set_id))
        work.session.execute(sa.delete(ImageSet).where(col(ImageSet.id) == set_id))
    _silence(about, work.session.exec(select(ImageSet)), {"name": _("Image set"), "note": ""})
    _silence(about, work.session.exec(select(Share)), {"label": "", "comment": "", "comment_by": ""})


def _silence(about: Subject, found: Iterable[Any], neutral: Mapping[str, str]) -> None:
    """Replace the texts that name the patient."""
    for row in found:
        for name, text in neutral.items():
            if about.is_named_in(getattr(row, name)):
                setattr(row, name, text)


def _erase_jobs(work: Work, about: Subject) -> None:
    """Remove the jobs about the patient; one that is running finds nothing any more, and ends."""
    gone = []
    for row in work.session.exec(select(Job)):
        told = str((row.ids, row.result, row.error))
        if str(about.patient_id) in told or about.is_named_in(told) or any(i in told for i in about.ids):
            gone.append(row)
    for row in gone:
        work.session.delete(row)


def _close_accounts(work: Work, patient_ids: Collection[UUID]) -> None:
    """Close the accounts of erased patients and take the name off them; the audit knows their ids."""
    wanted = select(User).where(col(User.patient_id).in_(patient_ids)).with_for_update()
    for user in work.session.exec(wanted):
        user.email, user.name, user.password_hash = f"erased-{user.id}", "", None
        user.is_active, user.patient_id, user.oidc_subject = False, None, None
        user.token_version += 1
        user.updated_at = work.at
        end_sessions(work, user.id)
        for table in (AccessToken, OneTimeLink):
            work.session.execute(sa.delete(table).where(col(table.user_id) == user.id))
    work.session.flush()
