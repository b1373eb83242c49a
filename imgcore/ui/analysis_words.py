"""What results of models are called on the screens."""

from __future__ import annotations

from imgcore.domain.analyses import CAPTURE_QUALITY, Impression, Model, Said, Version
from imgcore.domain.records import Result
from imgcore.texts import _, ngettext
from imgcore.ui import dashboard_words, dates, result_view

RISKS = ("low", "moderate", "high")
MOST_SCORES = 3


def title(result: Result) -> str:
    """Return the heading of a result."""
    if result.error is not None:  # which says nothing that an impression has to wait for
        return _("No result")
    if result.is_hidden:
        return _("Hidden until you have your own impression")
    if is_quality(result):
        return _("Capture quality")
    return result_view.plain(result.label)


def is_quality(result: Result) -> bool:
    """Tell whether the scores are those of a photograph as such, where a low one needs a look."""
    return result.analyser == CAPTURE_QUALITY


def scores(result: Result) -> list[tuple[str, float]]:
    """Return what the bars show: the likeliest labels, and of a photograph's quality everything."""
    ordered = sorted(result.predictions.items(), key=lambda each: (-each[1], each[0]))
    return ordered if is_quality(result) else ordered[:MOST_SCORES]


def percent(score: float) -> str:
    """Return a score or share as people read it: "94 %"."""
    return dashboard_words.share(score, 1)


def model(analyser: str, version: str) -> str:
    """Return a model with its version: "skin-check 1.0"."""
    return f"{analyser} {version}".strip()


def version(each: Version) -> str:
    """Return a version of a model with how many images it has results of."""
    count = ngettext("{count} image", "{count} images", each.images)
    return _("{model}, {count}").format(model=named(each), count=count)


def named(each: Version) -> str:
    """Return a version of a model: "skin-check 1.0"."""
    return model(each.analyser, each.version)


def said(result: Result | Said) -> str:
    """Return the label with its score, and the risk: "Naevus 80 %, low risk"."""
    label = result.label
    if (
        isinstance(result, Result) and is_quality(result) and result.predictions
    ):  # there the poorest score counts
        label = min(result.predictions, key=lambda each: result.predictions[each])
    score = percent(result.predictions.get(label, 0.0))
    risk = result_view.risk_name(result.risk_level).lower() if result.risk_level else ""
    return ", ".join(filter(None, (f"{result_view.plain(label)} {score}", risk)))


def offered(each: Model) -> str:
    """Return a model as it is chosen: "Skin check, version 1.0"."""
    named = _("{title}, version {version}").format(title=each.title, version=each.version)
    return _("{model} (cannot run here)").format(model=named) if each.missing else named


def facts(result: Result) -> str:
    """Return what stands beneath a result: model and version, confidence, duration, region, and when."""
    parts = [model(result.analyser, result.analyser_version)]
    if result.confidence is not None:
        parts.append(_("confidence {share}").format(share=percent(result.confidence)))
    if result.duration_ms is not None:
        parts.append(duration(result.duration_ms))
    parts += [result.body_region or "", moment(result)]
    return " · ".join(filter(None, parts))


def duration(milliseconds: int) -> str:
    """Return how long a model took: "40 ms", "1.2 s"."""
    if milliseconds < 1000:
        return _("{count} ms").format(count=milliseconds)
    return _("{count} s").format(count=f"{milliseconds / 1000:.1f}")


def moment(result: Result) -> str:
    """Return when a result was made; somebody who has it in an image set is told no day."""
    return dates.moment(result.created_at) if result.created_at is not None else ""


def impression(each: Impression) -> str:
    """Return who had an impression and when: "Vera Lang, 14:02"."""
    return ", ".join(filter(None, (each.user_name, dates.moment(each.created_at))))
