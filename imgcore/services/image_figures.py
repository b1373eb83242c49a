"""Figures of images: how many came when, of which category, from whom, and what room they take."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func

from imgcore.db.journal import Event
from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain.access import Action
from imgcore.domain.categories import CategorySet
from imgcore.domain.statistics import Cell, Step
from imgcore.services import set_contents
from imgcore.services.figure_scopes import OF_BATCHES, OF_PEOPLE, Scope, by_minute, by_range
from imgcore.services.work import Work
from imgcore.texts import _

LARGEST = 20  # patients that stand alone; all others are one row
FAILED = ("refused", "late", "failed")
Rows = list[tuple[Cell, ...]]
InTime = tuple[Rows, Step | None]
_BY_MOMENT = "ix_image_uploaded_at_id"
_BY_CATEGORY = "ix_image_category_uploaded_at_id"
_NUMBER, _BYTES = func.count(), func.coalesce(func.sum(col(Image.file_size)), 0)


def growth(scope: Scope, categories: CategorySet) -> InTime:
    """Count images, those without category, and batches in each period."""
    when, category, made = col(Image.uploaded_at), col(Image.category), col(Batch.created_at)
    periods = scope.periods(scope.images(func.min(when)), scope.batches(func.min(made)))
    if periods is None:
        return [], None
    uncategorised = category == categories.default
    if scope.is_whole:
        alls, some = (
            scope.images(_NUMBER, hint=each, on_any_day=True) for each in (_BY_MOMENT, _BY_CATEGORY)
        )
        images = by_range(scope, alls, when, periods)
        without = by_range(scope, some.where(uncategorised), when, periods)
    else:
        cells = by_minute(scope, scope.images(), when, periods, uncategorised)
        without = {start: cells[start, True] for start in periods.starts}
        images = {start: cells[start, False] + without[start] for start in periods.starts}
    batches = by_minute(scope, scope.batches(), made, periods)
    found: Rows = [(start, images[start], without[start], batches[start,]) for start in periods.starts]
    return found, periods.step


def by_category(scope: Scope, categories: CategorySet) -> Rows:
    """Count images of each category, the most frequent first."""
    wanted = scope.images(col(Image.category), _NUMBER, hint=_BY_CATEGORY).group_by(col(Image.category))
    found = [(categories.label(code), int(count)) for code, count in scope.work.session.execute(wanted)]
    return [tuple(row) for row in sorted(found, key=lambda row: (-row[1], row[0]))]


def by_person(scope: Scope) -> Rows:
    """Count images and bytes by who uploaded them, the most first."""
    each = _people_and_formats(scope)
    wanted = sa.select(each.c.uploaded_by, func.sum(each.c.images), func.sum(each.c.bytes))
    found = scope.work.session.execute(wanted.group_by(each.c.uploaded_by)).all()
    names = set_contents.people(scope.work, {row[0] for row in found})
    named = [(names.get(who, _("Nobody who is still known")), int(n), int(size)) for who, n, size in found]
    return [tuple(row) for row in sorted(named, key=lambda row: (-row[1], row[0]))]


def by_format(scope: Scope) -> Rows:
    """Count images and bytes of each format, what takes most room first."""
    each = _people_and_formats(scope)
    wanted = sa.select(each.c.mime_type, func.sum(each.c.images), func.sum(each.c.bytes))
    found = scope.work.session.execute(wanted.group_by(each.c.mime_type))
    named = [(kind.removeprefix("image/").upper(), int(n), int(size)) for kind, n, size in found]
    return [tuple(row) for row in sorted(named, key=lambda row: (-row[2], row[0]))]


def _people_and_formats(scope: Scope) -> sa.Subquery:
    """Return the counts by both, in the order of their index, so that nothing is sorted."""
    keys = (col(Image.uploaded_by), col(Image.mime_type))
    wanted = scope.images(*keys, _NUMBER.label("images"), _BYTES.label("bytes"), hint=OF_PEOPLE)
    return wanted.group_by(*keys).subquery()


def by_patient(scope: Scope) -> tuple[Rows, list[UUID]]:
    """Count images and bytes of those who take most room, and of all others together; name who they are."""
    if scope.shown is not None:
        return _by_pseudonym(scope), []
    batch_id = col(Image.batch_id)
    each = scope.images(batch_id, _NUMBER.label("images"), _BYTES.label("bytes"), hint=OF_BATCHES)
    in_batch = each.group_by(batch_id).subquery()
    sums = [func.sum(in_batch.c.images), func.sum(in_batch.c.bytes)]
    # The sums over all groups tell what the others have, without a second look at the images.
    alls: list[Any] = [func.count().over(), *(func.sum(each).over() for each in sums)]
    wanted = sa.select(col(Batch.patient_id), *sums, *alls).join(Batch, in_batch.c.batch_id == col(Batch.id))
    wanted = wanted.group_by(col(Batch.patient_id)).order_by(sums[1].desc(), col(Batch.patient_id))
    found = scope.work.session.execute(wanted.limit(LARGEST)).all()
    if not found:
        return [], []
    ids = [row[0] for row in found]
    named = sa.select(col(Patient.id), col(Patient.name)).where(col(Patient.id).in_(ids))
    names = dict(scope.work.session.execute(named).all())
    result: Rows = [(names[row[0]], int(row[1]), int(row[2])) for row in found]
    others, images, size = (int(cell) for cell in found[0][3:])
    if others > len(found):
        images -= sum(int(row[1]) for row in found)
        size -= sum(int(row[2]) for row in found)
        result.append((_others(others - len(found)), images, size))
    return result, ids


def are_there(work: Work, patient_ids: Collection[UUID]) -> bool:
    """Tell whether all of these patients are still there, and not in the trash."""
    if not patient_ids:
        return True
    there = sa.select(func.count()).where(col(Patient.id).in_(patient_ids), col(Patient.trashed_at).is_(None))
    return bool(work.session.execute(there).scalar_one() == len(patient_ids))


def _others(count: int) -> str:
    return _("{count} others").format(count=count)


def _by_pseudonym(scope: Scope) -> Rows:
    sums: dict[str, tuple[int, int]] = {}
    for content in scope.shown or ():
        images, size = sums.get(content.pseudonym, (0, 0))
        sums[content.pseudonym] = images + 1, size + content.image.file_size
    ordered = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    result: Rows = [(name, *each) for name, each in ordered[:LARGEST]]
    rest = [each for _name, each in ordered[LARGEST:]]
    if rest:
        result.append((_others(len(rest)), sum(each[0] for each in rest), sum(each[1] for each in rest)))
    return result


def failures(scope: Scope) -> InTime:
    """Count files that were refused or came too late in each period, as the audit tells it."""
    at, outcome = col(Event.at), col(Event.outcome)
    wanted = sa.select(func.min(at)).select_from(Event).where(
        outcome.in_(FAILED), col(Event.action) == Action.IMAGE_UPLOAD, col(Event.entity) != "",
        *scope.days(at),
    )  # fmt: skip
    if scope.patients is not None:
        wanted = wanted.where(col(Event.patient_id).in_(scope.patient_ids()))
    files = sa.case((col(Event.count) > 0, col(Event.count)), else_=1)
    periods = scope.periods(wanted)
    if periods is None:
        return [], None
    counted = by_minute(scope, wanted, at, periods, outcome, number=files)
    return [(*key, count) for key, count in sorted(counted.items())], periods.step
