"""What each figure of the dashboard says in one sentence, for everybody who does not see the chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from imgcore.domain.statistics import Figure, Step, Table
from imgcore.texts import _, ngettext
from imgcore.ui import dates, result_view, words

POOR = 0.5  # a score of capture quality below it needs a look


def title(figure: Figure) -> str:
    """Return the heading of a figure."""
    return {
        Figure.GROWTH: _("Images and batches over time"),
        Figure.CATEGORIES: _("Images by category"),
        Figure.CLINICIANS: _("Images by who uploaded them"),
        Figure.PATIENTS: _("Storage by patient"),
        Figure.FORMATS: _("Storage by format"),
        Figure.QUALITY: _("Capture quality"),
        Figure.RISKS: _("Risk levels"),
        Figure.AGREEMENT: _("Agreement of models"),
        Figure.FAILURES: _("Uploads that failed"),
    }[figure]


def nothing(figure: Figure) -> str:
    """Return what stands in the place of a figure that has no rows."""
    texts = {
        Figure.QUALITY: _("No image was looked at for its capture quality yet."),
        Figure.RISKS: _("No result names a risk level yet."),
        Figure.AGREEMENT: _("No two models, or versions of one, have looked at the same images yet."),
        Figure.FAILURES: _("No upload failed."),
    }
    return texts.get(figure, _("There is nothing to count here yet."))


def summary(table: Table) -> str:
    """Return what a figure says; it must have rows."""
    sentences: dict[Figure, Callable[[Table], str]] = {
        Figure.GROWTH: _growth,
        Figure.CATEGORIES: _categories,
        Figure.CLINICIANS: _clinicians,
        Figure.PATIENTS: _patients,
        Figure.FORMATS: _formats,
        Figure.QUALITY: _quality,
        Figure.RISKS: _risks,
        Figure.AGREEMENT: _agreement,
        Figure.FAILURES: _failures,
    }
    return sentences[table.figure](table)


def column(name: str) -> str:
    """Return the heading of a column."""
    return {
        "from": _("From"),
        "images": _("Images"),
        "without_category": _("Without category"),
        "batches": _("Batches"),
        "category": _("Category"),
        "person": _("Person"),
        "bytes": _("Size"),
        "patient": _("Patient"),
        "format": _("Format"),
        "score": _("Score of"),
        "at_least": _("At least"),
        "results": _("Results"),
        "risk_level": _("Risk level"),
        "first": _("First model"),
        "second": _("Second model"),
        "agreeing": _("Same label"),
        "outcome": _("Outcome"),
        "files": _("Files"),
    }[name]


def period(start: date, step: Step | None) -> str:
    """Return a day, the first day of a week, or a month: "Nov 2025"."""
    return f"{start:%b %Y}" if step is Step.MONTH else dates.day(start)


def unit(step: Step | None) -> str:
    """Return what one bar stands for."""
    return {Step.DAY: _("Day"), Step.WEEK: _("Week from"), Step.MONTH: _("Month")}[step or Step.DAY]


def number(value: float) -> str:
    """Return a number as people read it: "12,480"."""
    return f"{value:,.0f}"


def share(part: float, whole: float) -> str:
    """Return "94 %"; what is not nothing is never "0 %", and what is not all never "100 %"."""
    percent = 100 * part / whole if whole else 0
    if 0 < percent < 1:
        return _("less than 1 %")
    return f"{int(percent)} %" if 99 <= percent < 100 else f"{percent:.0f} %"


def outcome(name: str) -> str:
    """Return how an upload failed."""
    return {"refused": _("Refused"), "late": _("Too late")}.get(name, _("Failed"))


def _growth(table: Table) -> str:
    counts = {row[0]: _int(row[1]) for row in table.rows}
    most = max(counts, key=lambda start: counts[start])
    text = _("{images} and {batches} were added; the most, {most}, {when}.")
    when = {Step.DAY: _("on {day}"), Step.WEEK: _("in the week from {day}"), Step.MONTH: _("in {day}")}
    day = period(most, table.step) if isinstance(most, date) else ""
    return text.format(
        images=words.images(table.total("images")),
        batches=words.batches(table.total("batches")),
        most=number(counts[most]),
        when=when[table.step or Step.DAY].format(day=day),
    )


def _categories(table: Table) -> str:
    name, count = table.rows[0]
    text = _("“{name}” is the most frequent of {all}: {share} of {images}.")
    alls = ngettext("{count} category in use", "{count} categories in use", len(table.rows))
    return text.format(
        name=name, all=alls, share=share(_int(count), table.total("images")), images=_images(table)
    )


def _clinicians(table: Table) -> str:
    name, count, _size = table.rows[0]
    text = _("{name} uploaded the most: {count} of {images}.")
    return text.format(name=name, count=number(_int(count)), images=_images(table))


def _patients(table: Table) -> str:
    size = _int(table.rows[0][2])
    text = _("The patient with the most takes {size}, {share} of {all}.")
    alls = table.total("bytes")
    return text.format(size=words.size(size), share=share(size, alls), all=words.size(alls))


def _formats(table: Table) -> str:
    name, count, size = table.rows[0]
    alls = table.total("bytes")
    text = _("{format} takes {share} of {all}, with {images}.")
    return text.format(
        format=name, share=share(_int(size), alls), all=words.size(alls), images=words.images(_int(count))
    )


def _quality(table: Table) -> str:
    poor, alls = Counter[str](), Counter[str]()
    for score, at_least, count in table.rows:
        alls[str(score)] += _int(count)
        poor[str(score)] += _int(count) if float(str(at_least)) < POOR else 0
    said = ", ".join(
        f"{result_view.plain(each).lower()} {share(poor[each], alls[each])}" for each in sorted(alls)
    )
    count = ngettext("the newest result", "the newest {count} results", max(alls.values()))
    return _("Of {results}, so many score below {poor}: {said}.").format(results=count, poor=POOR, said=said)


def levels(table: Table) -> Counter[str]:
    """Return how often each risk level occurs, by what it is called: "high" and "High" are one."""
    found = Counter[str]()
    for _start, level, count in table.rows:
        found[result_view.risk_name(str(level))] += _int(count)
    return found


def _risks(table: Table) -> str:
    counts = levels(table)
    alls = sum(counts.values())
    said = ", ".join(
        f"{name.lower()} {number(count)} ({share(count, alls)})" for name, count in counts.most_common()
    )
    return _("{results}: {said}. These are estimates, not diagnoses.").format(
        results=ngettext("{count} result", "{count} results", alls), said=said
    )


def _agreement(table: Table) -> str:
    first, second, images, agreeing = max(table.rows, key=lambda row: _int(row[2]))
    text = _("{first} and {second} name the same label first for {share} of {images}.")
    return text.format(
        first=first,
        second=second,
        share=share(_int(agreeing), _int(images)),
        images=words.images(_int(images)),
    )


def _failures(table: Table) -> str:
    counts = Counter[str]()
    for _start, how, count in table.rows:
        counts[outcome(str(how))] += _int(count)
    said = ", ".join(f"{name.lower()} {number(count)}" for name, count in counts.most_common())
    files = ngettext("{count} file was not kept", "{count} files were not kept", sum(counts.values()))
    return f"{files}: {said}."


def _images(table: Table) -> str:
    return words.images(table.total("images"))


def _int(cell: object) -> int:
    return int(cell) if isinstance(cell, int | float) else 0
