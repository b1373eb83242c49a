"""What every route is handed: the clinic's services, who asks, and which part of a list is wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response
from pydantic import Field

from imgcore.api.identity import actor_of
from imgcore.domain.access import Actor
from imgcore.domain.values import Line
from imgcore.errors import Invalid
from imgcore.services import Services
from imgcore.services.pages import Turn
from imgcore.texts import _

_VERSION = re.compile(r'\d{1,9}|(?:W/)?"\d{1,9}"', re.ASCII)

# A code, an id, or the number that another system knows a patient by.
Ref = Annotated[Line, Field(min_length=1, max_length=64)]
Words = Annotated[Line, Field(max_length=200)]


@dataclass(frozen=True)
class Call:
    """One call of the interface: the services that do the work, and on whose behalf."""

    services: Services
    actor: Actor


# These are coroutines so that no thread is needed to run them.
async def _call(request: Request) -> Call:
    return Call(request.app.state.clinic().services, actor_of(request))


async def _turn(
    page: Annotated[int, Query(description="Counted from 1.", examples=[1])] = 1,
    page_size: Annotated[int, Query(description="At most 100.", examples=[50])] = 50,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the last answer; then `page` does not matter.")
    ] = None,
) -> Turn:
    return Turn(page, page_size, cursor or None)


async def _version(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="The version that was read; 412 when it is not the stored one."),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    match = _VERSION.fullmatch(if_match.strip())
    if match is None:
        raise Invalid(_("If-Match holds the version that was read, as a number."))
    return int(match[0].strip('W/"'))


Asked = Annotated[Call, Depends(_call)]
Turned = Annotated[Turn, Depends(_turn)]
Version = Annotated[int | None, Depends(_version)]


def tag_version(response: Response, version: int) -> None:
    """Tell the caller which version was read, to be sent back as ``If-Match``."""
    response.headers["ETag"] = f'"{version}"'


def tag_change(response: Response, change_id: object) -> None:
    """Tell the caller by which change the write can be undone, if it changed anything."""
    if change_id is not None:
        response.headers["X-Change-ID"] = str(change_id)
