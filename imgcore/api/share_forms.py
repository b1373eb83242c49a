"""The HTML that guests see: the form for the PIN, the pictures of a set, and one picture large."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from imgcore.api.auth_forms import Field, Form
from imgcore.api.plain_pages import Shell
from imgcore.domain.sets import LONGEST_COMMENT, SetItem, Shared, pictures_of
from imgcore.errors import ImgcoreError
from imgcore.texts import _

_SHELL = Shell("auth_pages.css", "share_pages.css")
# The address of the first page holds the link's secret: it goes nowhere, not even to ourselves.
_REFERRER = "strict-origin"


def pin_form(path: str, error: ImgcoreError | None = None, status: int = 200) -> HTMLResponse:
    """Return the page that asks for the PIN; of the link it says nothing."""
    pin = Field(
        "pin",
        _("PIN"),
        "one-time-code",
        "tel",
        hint=_("Six digits, which you got by another way than the link."),
        wrong=error is not None,
        focus=True,
        max_length=20,
    )
    form = Form(
        title=_("Pictures for you"),
        lead=_("Somebody of the clinic asks for your opinion."),
        fields=(pin,),
        button=_("Show the pictures"),
        action=path,
    )
    return _quietly(form.answer(error, status))


def closed(error: ImgcoreError, status: int) -> HTMLResponse:
    """Return the page of a link that does not work, or no longer."""
    return _page(error.message, f"<h1>{escape(error.message)}</h1><p>{escape(error.hint)}</p>", status)


def gallery(
    shared: Shared, error: ImgcoreError | None = None, status: int = 200, **typed: str
) -> HTMLResponse:
    """Return the page with all pictures and the form for the answer; ``typed`` comes back after an error."""
    parts = [
        f"<h1>{escape(shared.name)}</h1>",
        f'<p class="facts">{escape(_facts(shared))}</p>',
        f'<p class="note">{escape(shared.note)}</p>' if shared.note else "",
        '<ul class="pictures">',
        *(_tile(shared, item) for item in shared.items),
        "</ul>",
        _answer(shared, error, typed),
    ]
    return _page(shared.name, "\n".join(parts), status)


def large(shared: Shared, item: SetItem) -> HTMLResponse:
    """Return the page with one picture, and the ways to its neighbours."""
    places = [each.place for each in shared.items]
    at = places.index(item.place)
    before, after = places[at - 1 : at], places[at + 1 : at + 2]
    ways = [
        _way(shared, before, _("Previous")),
        f'<a href="{_address(shared)}">{escape(_("All pictures"))}</a>',
        _way(shared, after, _("Next")),
    ]
    place = _("{number} of {count}").format(number=at + 1, count=len(places))
    details = " · ".join([place, *_details(item)])
    body = (
        f'<h1>{escape(_title(item))}</h1><p class="facts">{escape(details)}</p>'
        f'<img class="large" src="{_address(shared, item.place)}/picture" width="{item.width}" '
        f'height="{item.height}" alt="{escape(_title(item))}"><nav class="ways">{"".join(ways)}</nav>'
    )
    return _page(_title(item), body, 200)


def _facts(shared: Shared) -> str:
    until = f"{shared.expires_at.day} {shared.expires_at:%b %Y}"
    ends = _("the link works until {day}").format(day=until)
    return f"{pictures_of(len(shared.items), shared.size)} · {ends}"


def _tile(shared: Shared, item: SetItem) -> str:
    address = _address(shared, item.place)
    return (
        f'<li><a href="{address}"><img src="{address}/thumbnail" loading="lazy" alt="">'
        f"<b>{escape(_title(item))}</b><span>{escape(item.category)}</span></a></li>"
    )


def _title(item: SetItem) -> str:
    return _("{pseudonym}, picture {place}").format(pseudonym=item.pseudonym, place=item.place)


def _details(item: SetItem) -> Sequence[str]:
    sides = {"L": _("Left"), "R": _("Right"), "B": _("Both")}
    return [
        each
        for each in (item.category, item.image_type, item.body_location, sides.get(item.laterality or "", ""))
        if each
    ]


def _way(shared: Shared, places: Sequence[int], label: str) -> str:
    if not places:
        return "<span></span>"
    return f'<a href="{_address(shared, places[0])}">{escape(label)}</a>'


def _address(shared: Shared, place: int | None = None) -> str:
    root = f"/share/opened/{shared.share_id}"
    return root if place is None else f"{root}/{place}"


def _answer(shared: Shared, error: ImgcoreError | None, typed: dict[str, str]) -> str:
    if shared.has_answered:
        text = _("Your answer was sent. Thank you.")
        return f'<p class="notice" role="status">{escape(text)}</p>'
    said = (
        f'<p class="problem" id="problem" role="alert"><b>{escape(error.message)}</b>{escape(error.hint)}</p>'
        if error
        else ""
    )
    name = Field("name", _("Your name"), "name", value=typed.get("name", ""))
    return (
        f'<section class="answer"><h2>{escape(_("Your answer"))}</h2>'
        f'<form method="post" action="{_address(shared)}/answer">{said}{name.html()}'
        f'<div><label for="text">{escape(_("Answer"))}</label>'
        f'<textarea id="text" name="text" required maxlength="{LONGEST_COMMENT}" '
        f'aria-describedby="text-hint">{escape(typed.get("text", ""))}</textarea>'
        f'<p class="hint" id="text-hint">{escape(_("It can be sent once."))}</p></div>'
        f"<button>{escape(_('Send the answer'))}</button></form></section>"
    )


def _page(title: str, body: str, status: int) -> HTMLResponse:
    return _quietly(_SHELL.page(title, body, status))


def _quietly(answer: HTMLResponse) -> HTMLResponse:
    answer.headers["Referrer-Policy"] = _REFERRER
    return answer
