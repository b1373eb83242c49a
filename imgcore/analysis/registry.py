"""Which analysers there are: the shipped one, the clinic's models, and those of other packages."""

from __future__ import annotations

import logging
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from os import environ
from pathlib import Path

from imgcore.analysis import cards, fingerprints
from imgcore.analysis.analysers import LONGEST_NAME, Added, Analyser, Missing, is_named
from imgcore.config import Settings
from imgcore.domain.analyses import Model
from imgcore.errors import ImgcoreError
from imgcore.texts import _

GROUP = "imgcore.analysers"
_log = logging.getLogger(__name__)


class Installed:
    """The analysers of one server; each call looks anew for models in their folder.

    A model that is still the same keeps what it has loaded. Packages are asked once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._packages: tuple[Analyser, ...] | None = None
        self._found: dict[str, Analyser] = {}

    def __call__(self) -> Mapping[str, Analyser]:
        """Return the analysers by name: capture quality, the models in their folder, then those of packages.

        One that is broken or lacks a package is among them, and its model says so; it never hides another.
        Files of models are hashed here, and loaded at their first picture.
        """
        from imgcore.analysis.quality import CaptureQuality

        if self._packages is None:
            self._packages = tuple(_of_packages(self._settings))
        found: dict[str, Analyser] = {}
        for analyser in (CaptureQuality(), *_of_folders(self._settings), *self._packages):
            name = analyser.model.name
            if name in found:
                twice = _("Another analyser has the name {name} too.").format(name=name)
                analyser = _broken(name, analyser.model.missing or twice, found)
            known = self._found.get(analyser.model.name)
            is_same = known is not None and known.model == analyser.model
            found[analyser.model.name] = known if known is not None and is_same else analyser
        self._found = found
        return found


def installed(settings: Settings) -> Mapping[str, Analyser]:
    """Return the analysers that a server with these settings would offer now."""
    return Installed(settings)()


def _of_folders(settings: Settings) -> Iterator[Analyser]:
    for path in sorted(settings.models.glob(f"*/{cards.CARD}")):
        if path.parent.name.startswith("."):  # still being copied
            continue
        try:
            yield _of_folder(path.parent, settings.model_threads)
        except ImgcoreError as error:
            yield _broken(path.parent.name, error.message)


def _of_folder(folder: Path, threads: int) -> Analyser:
    from imgcore.analysis import huggingface, onnx, servers

    card = cards.read(folder)
    model = Model(
        card.name, card.version, card.title, fingerprints.of_folder(folder),
        intended_use=card.intended_use, limits=card.limits,
    )  # fmt: skip
    match card:
        case cards.OnnxCard():
            lacking = _lacking(onnx.PACKAGES, onnx.REQUIREMENTS)
            analyser: Analyser = onnx.OnnxClassifier(model, card, folder, threads=threads)
        case cards.HuggingFaceCard():
            lacking = _lacking(huggingface.PACKAGES, huggingface.REQUIREMENTS)
            analyser = huggingface.HuggingFaceClassifier(model, card, folder, threads=threads)
        case cards.HttpCard():
            lacking = _unset(card.server.token_variable)
            analyser = servers.ServedClassifier(model, card)
    return Missing(replace(model, missing=lacking)) if lacking else analyser


def _lacking(packages: tuple[str, ...], requirements: str) -> str:
    names = ", ".join(package for package in packages if find_spec(package) is None)
    if not names:
        return ""
    return _("It needs {names}, not installed here. Install with: pip install -r {requirements}").format(
        names=names, requirements=requirements
    )


def _unset(variable: str | None) -> str:
    if variable is None or environ.get(variable, "").strip():
        return ""
    return _("The environment variable {name} with the token of its server is not set.").format(name=variable)


def _of_packages(settings: Settings) -> Iterator[Analyser]:
    """Yield what other packages offer: each entry point is called with the settings and gives an analyser."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            analyser = Added(point.load()(settings))
            if not is_named(analyser.model):
                raise ValueError(analyser.model)
        except Exception as error:  # code of others
            _log.warning("The analyser %s of another package is left out: %r", point.name, error)
            yield _broken(point.name, _("The package that offers this analyser failed when it was loaded."))
        else:
            yield analyser


def _broken(name: str, problem: str, taken: Container[str] = ()) -> Missing:
    """Return what stands for an analyser that cannot be had, under a name that is not taken."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].strip("-") or "unnamed"
    free, number = slug, 2
    while free in taken:
        free, number = f"{slug}-{number}", number + 1
    return Missing(Model(free, "-", name, None, problem))
