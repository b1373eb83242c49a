"""The figures of the dashboard: each a sentence, a chart, its table, and the table as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.access import Actor, Role
from imgcore.domain.categories import DEFAULT_CODE
from imgcore.domain.statistics import OF_RESULTS, Asked, Figure, Table, starts
from imgcore.texts import _
from imgcore.ui import clinic, dashboard_charts, dashboard_filter, dashboard_words, keys, privacy
from imgcore.ui import result_view as results
from imgcore.ui import words as counted

if TYPE_CHECKING:
    import pandas as pd

_ALONE = 20  # patients; one row more stands for all others
_MOST_ROWS, _ROW, _HEADER = 8, 35, 38  # rows of a table that are seen at once, CSS pixels


def figure(who: Actor, which: Figure, asked: Asked, table: Table | None = None) -> None:
    """Draw one figure; ``table`` when it was counted before."""
    with st.container(key=keys.key("figure", which), border=True, gap="small"):
        st.subheader(dashboard_words.title(which), anchor=False)
        if table is None:
            with st.spinner(_("Counting …")):
                table = clinic.services().statistics.table(who, which, asked)
        hides = clinic.services().settings.hide_results_until_impression and who.role is not Role.REVIEWER
        if hides and which in OF_RESULTS:
            st.caption(_("Results that wait for your own impression are not counted."))
        if not table.rows:
            st.caption(dashboard_words.nothing(which))
            return
        said = dashboard_words.summary(table)
        st.caption(counted.literal(said))
        _CHARTS[which](_shown(table, asked), said)
        _rows(_shown(table, asked), asked)


def numbers(growth: Table, formats: Table) -> None:
    """Draw how much there is in all."""
    images, without = growth.total("images"), growth.total("without_category")
    with st.container(key="dashboard-numbers", horizontal=True, gap="medium"):
        st.metric(_("Images"), dashboard_words.number(images), width="content")
        st.metric(_("Batches"), dashboard_words.number(growth.total("batches")), width="content")
        st.metric(
            _("Without category"),
            f"{dashboard_words.number(without)} ({dashboard_words.share(without, images)})",
            width="content",
        )
        st.metric(_("Storage"), counted.size(formats.total("bytes")), width="content")


def _shown(table: Table, asked: Asked) -> Table:
    """Return the table with names as this tab may show them."""
    if table.figure is not Figure.PATIENTS or asked.set_id is not None:
        return table
    named = [(privacy.shown(str(name)), *rest) for name, *rest in table.rows[:_ALONE]]
    return Table(table.figure, (*named, *table.rows[_ALONE:]), table.at)


def _rows(table: Table, asked: Asked) -> None:
    """Draw the table, folded up, and the way to its file."""
    with st.expander(_("Table"), key=keys.key("rows", table.figure)):
        if table.sample is not None:
            st.caption(
                _("At most the {count} newest were looked at.").format(
                    count=dashboard_words.number(table.sample)
                )
            )
        st.dataframe(
            _frame(table),
            hide_index=True,
            height=min(len(table.rows), _MOST_ROWS) * _ROW + _HEADER,
            row_height=_ROW,
            column_config={name: dashboard_words.column(name) for name in table.columns},
            alt=dashboard_words.title(table.figure),
        )
        st.link_button(
            _("Download CSV"), dashboard_filter.address(table.figure, asked),
            key=keys.key("csv", table.figure), icon=":material/download:",
        )  # fmt: skip


def _frame(table: Table) -> pd.DataFrame:
    """Return a table as people read it."""
    import pandas as pd

    said: dict[str, Callable[[object], object]] = {
        "from": lambda cell: dashboard_words.period(cell, table.step) if isinstance(cell, date) else "",
        "bytes": lambda cell: counted.size(int(str(cell))),
        "outcome": lambda cell: dashboard_words.outcome(str(cell)),
        "risk_level": lambda cell: results.risk_name(str(cell)),
        "score": lambda cell: results.plain(str(cell)),
    }
    return pd.DataFrame(
        {
            name: [said[name](cell) if name in said else cell for cell in table.column(name)]
            for name in table.columns
            if any(cell is not None for cell in table.column(name))
        }
    )


def _growth(table: Table, said: str) -> None:
    with_category, without = _("With category"), _("Without category")
    for name, parts in (
        ("images", {with_category: dashboard_charts.BLUE, without: dashboard_charts.ORANGE}),
        ("batches", {_("Batches"): dashboard_charts.BLUE}),
    ):
        cells = []
        for start, images, uncategorised, batches in table.rows:
            counts = (
                [int(str(images)) - int(str(uncategorised)), uncategorised] if name == "images" else [batches]
            )
            cells += [(start, part, count) for part, count in zip(parts, counts, strict=True)]
        _in_time(table, cells, parts, dashboard_words.column(name), said, name)


def _in_time(
    table: Table,
    cells: Sequence[tuple[object, str, object]],
    parts: dict[str, str],
    unit: str,
    said: str,
    name: str,
) -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "period": [
                dashboard_words.period(cell[0], table.step) for cell in cells if isinstance(cell[0], date)
            ],
            "part": [cell[1] for cell in cells],
            "count": [cell[2] for cell in cells],
            "place": [list(parts).index(cell[1]) for cell in cells],
        }
    )
    dashboard_charts.in_time(
        frame, parts=parts, unit=unit, step=dashboard_words.unit(table.step), alt_text=f"{unit}. {said}",
        name=keys.key("chart", table.figure, name),
    )  # fmt: skip


def _every_period(
    table: Table, part_of: Callable[[str], str], parts: Sequence[str]
) -> list[tuple[object, str, object]]:
    """Return the cells of a table that leaves empty periods out, with those."""
    counts: dict[tuple[date, str], int] = {}
    for start, name, count in table.rows:
        if isinstance(start, date):
            key = (start, part_of(str(name)))
            counts[key] = counts.get(key, 0) + int(str(count))
    days = [start for start, _part in counts]
    if not days or table.step is None:
        return []
    every = starts(min(days), max(days), table.step)
    return [(start, part, counts.get((start, part), 0)) for start in every for part in parts]


def _risks(table: Table, said: str) -> None:
    known = list(dashboard_charts.RISKS)
    found = {str(level).casefold(): str(level) for level in table.column("risk_level")}
    ordered = sorted(found, key=lambda level: known.index(level) if level in known else len(known))
    colours = {
        results.risk_name(found[each]): dashboard_charts.RISKS.get(each, dashboard_charts.GREY)
        for each in ordered
    }
    if table.step is None:
        counts = dashboard_words.levels(table)
        _bars(
            table,
            [(name, counts[name], dashboard_words.number(counts[name])) for name in colours],
            said,
            colours,
        )
        return
    cells = _every_period(table, results.risk_name, list(colours))
    _in_time(table, cells, colours, dashboard_words.column("results"), said, "levels")


def _failures(table: Table, said: str) -> None:
    names = list(dict.fromkeys(dashboard_words.outcome(str(each)) for each in table.column("outcome")))
    both = (dashboard_charts.ORANGE, dashboard_charts.GREY, dashboard_charts.BLUE)
    cells = _every_period(table, dashboard_words.outcome, names)
    _in_time(
        table, cells, dict(zip(names, both, strict=False)), dashboard_words.column("files"), said, "files"
    )


def _ranked(table: Table, names: str, counts: str, said: str) -> None:
    values = [int(str(cell)) for cell in table.column(counts)]
    write = counted.size if counts == "bytes" else dashboard_words.number
    labels = _unlike(list(map(str, table.column(names))))
    colours = {}
    if table.figure is Figure.CATEGORIES:
        colours = {clinic.services().categories.label(DEFAULT_CODE): dashboard_charts.ORANGE}
    rows = [(name, each, write(each)) for name, each in zip(labels, values, strict=True)]
    # Beside all the others together no single patient's bar would be seen.
    alone = _ALONE if table.figure is Figure.PATIENTS else len(rows)
    _bars(table, rows[:alone], said, colours)
    for name, _count, shown in rows[alone:]:
        st.caption(counted.literal(f"{name}: {shown}"))


def _bars(
    table: Table, rows: Sequence[tuple[str, float, str]], said: str, colours: Mapping[str, str]
) -> None:
    """Draw a bar for each name, number and what is written at its end."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["name", "count", "shown"])
    frame["colour"] = [colours.get(name, dashboard_charts.BLUE) for name, *_rest in rows]
    unit = dashboard_words.column("bytes" if "bytes" in table.columns else table.columns[-1])
    dashboard_charts.ranked(frame, unit=unit, alt_text=said, name=keys.key("chart", table.figure))


def _unlike(names: Sequence[str]) -> list[str]:
    """Return the names so that no two are alike: of equal ones, such as initials, the later get a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _agreement(table: Table, said: str) -> None:
    rows = []
    for first, second, images, same in table.rows:
        part, whole = int(str(same)), int(str(images))
        rows.append((f"{first}\n{second}", 100 * part / whole, dashboard_words.share(part, whole)))
    _bars(table, rows, said, {})


def _quality(table: Table, said: str) -> None:
    import pandas as pd

    scores = list(dict.fromkeys(map(str, table.column("score"))))
    for score, place in zip(scores, st.columns(min(len(scores), 4)) * len(scores), strict=False):
        cells = [(float(str(least)), int(str(count))) for name, least, count in table.rows if name == score]
        frame = pd.DataFrame(
            {
                "band": [f"{least:.1f}" for least, _count in cells],
                "at_least": [least for least, _count in cells],
                "count": [count for _least, count in cells],
            }
        )
        with place:
            dashboard_charts.spread(
                frame, title=_("{score}, from").format(score=results.plain(score)),
                unit=dashboard_words.column("results"), alt_text=f"{results.plain(score)}. {said}",
                name=keys.key("chart", table.figure, score), poor=dashboard_words.POOR,
            )  # fmt: skip


_CHARTS: dict[Figure, Callable[[Table, str], None]] = {
    Figure.GROWTH: _growth,
    Figure.CATEGORIES: lambda table, said: _ranked(table, "category", "images", said),
    Figure.CLINICIANS: lambda table, said: _ranked(table, "person", "images", said),
    Figure.PATIENTS: lambda table, said: _ranked(table, "patient", "bytes", said),
    Figure.FORMATS: lambda table, said: _ranked(table, "format", "bytes", said),
    Figure.QUALITY: _quality,
    Figure.RISKS: _risks,
    Figure.AGREEMENT: _agreement,
    Figure.FAILURES: _failures,
}
