"""Which analysers are found, and that a broken one hides no other."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from imgcore.analysis import Installed, installed, predict_many, registry
from imgcore.analysis.analysers import Added, Analyser
from imgcore.config import Settings
from imgcore.domain.analyses import Finding, Model, Subject
from imgcore.errors import ConfigError, ImgcoreError, Unavailable
from tests.analysis.models import CARD, LABELS, onnx_folder, settings, subject

HTTP = CARD.format(name="served", kind="http") + '[server]\nurl = "https://models.example.org"\n'


class Elsewhere:
    """An analyser as another package offers it."""

    def __init__(self, name: str = "elsewhere", answer: Finding | Exception | None = None) -> None:
        self.model = Model(name, "7", "Elsewhere", None)
        self._answer = answer or Finding({"fine": 0.123456789}, confidence=0.123456789)

    def predict(self, subject: Subject) -> Finding:
        """Give the answer that the test wants."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def plain(settings: Settings) -> Analyser:
    return Elsewhere()


def shouting(settings: Settings) -> Analyser:
    return Elsewhere("My Analyser!")


def same_name(settings: Settings) -> Analyser:
    return Elsewhere("capture-quality")


def falling(settings: Settings) -> Analyser:
    raise RuntimeError("no licence")


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let packages offer the analysers above, and one that is gone."""
    names = ("plain", "shouting", "same_name", "falling", "gone")
    points = [EntryPoint(name, f"{__name__}:{name}", registry.GROUP) for name in names]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(points).select(group=group))


def test_capture_quality_is_always_there(tmp_path: Path) -> None:
    found = installed(settings(tmp_path))
    assert {name: analyser.model.missing for name, analyser in found.items()} == {"capture-quality": ""}


def test_models_stand_in_the_data_folder_unless_another_is_set(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).models == tmp_path / "models"
    assert Settings(data_dir=tmp_path, models_dir=tmp_path / "else").models == tmp_path / "else"


def test_broken_models_are_shown_with_their_fault_and_hide_no_other(tmp_path: Path) -> None:
    onnx_folder(tmp_path, "good-one")
    twice = onnx_folder(tmp_path, "good-two") / "card.toml"
    twice.write_text(twice.read_text().replace("good-two", "good-one"))
    (onnx_folder(tmp_path, "a Broken Card") / "card.toml").write_text("name = ")
    (tmp_path / "models" / "no-model").mkdir()
    (tmp_path / "models" / "a file").write_text("text")
    found = installed(settings(tmp_path))
    assert list(found) == ["capture-quality", "a-broken-card", "good-one", "good-one-2"]
    assert found["good-one"].predict(subject()).predictions.keys() == set(LABELS)
    assert found["good-one"].model.intended_use and found["good-one"].model.limits
    assert "no usable card.toml" in found["a-broken-card"].model.missing
    assert "has the name good-one too" in found["good-one-2"].model.missing
    for name, analyser in found.items():
        assert analyser.model.name == name
        if analyser.model.missing:
            with pytest.raises(ConfigError, match=analyser.model.missing[:20]):
                analyser.predict(subject())


def test_a_missing_package_names_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx_folder(tmp_path)
    face = tmp_path / "models" / "face"
    face.mkdir()
    (face / "card.toml").write_text(CARD.format(name="face", kind="huggingface") + 'folder = "weights"\n')
    for name in ("onnxruntime", "torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    found = {name: analyser.model.missing for name, analyser in installed(settings(tmp_path)).items()}
    assert found["wound-triage"] == (
        "It needs onnxruntime, not installed here. Install with: pip install -r requirements-onnx.txt"
    )
    assert found["face"] == (
        "It needs transformers, torch, not installed here. "
        "Install with: pip install -r requirements-huggingface.txt"
    )
    assert found["capture-quality"] == ""


def test_an_unset_token_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models" / "served"
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text(HTTP + 'token_variable = "FEET_TOKEN"\n')
    monkeypatch.delenv("FEET_TOKEN", raising=False)
    assert "FEET_TOKEN" in installed(settings(tmp_path))["served"].model.missing
    monkeypatch.setenv("FEET_TOKEN", "secret")
    assert installed(settings(tmp_path))["served"].model.missing == ""


@pytest.mark.usefixtures("offered")
def test_packages_offer_analysers_and_a_broken_one_hides_no_other(tmp_path: Path) -> None:
    found = installed(settings(tmp_path))
    missing = {name for name, analyser in found.items() if analyser.model.missing}
    assert missing == {"shouting", "capture-quality-2", "falling", "gone"}
    assert found["elsewhere"].predict(subject()) == Finding({"fine": 0.123457}, confidence=0.123457)
    assert found["capture-quality"].model.version == "1"


@pytest.mark.parametrize(
    "answer",
    [KeyError("no such layer"), Finding({"fine": 1.5}), Finding({}), Finding({"fine": 0.5}, confidence=-1)],
)
def test_what_a_package_does_wrong_is_one_clear_error(answer: Finding | Exception) -> None:
    analyser = Added(Elsewhere(answer=answer))
    with pytest.raises(Unavailable, match=r"The model (failed|gave)"):
        analyser.predict(subject())
    (only,) = predict_many(analyser, [subject()])
    assert isinstance(only, ImgcoreError)


def test_models_are_found_and_renewed_while_the_server_runs(tmp_path: Path) -> None:
    look = Installed(settings(tmp_path))
    assert list(look()) == ["capture-quality"]
    folder = onnx_folder(tmp_path)
    first = look()["wound-triage"]
    assert first.predict(subject()).predictions.keys() == set(LABELS)
    assert look()["wound-triage"] is first, "what is loaded is kept"
    card = folder / "card.toml"
    card.write_text(card.read_text().replace('version = "1"', 'version = "2"'))
    second = look()["wound-triage"]
    assert (first.model.version, second.model.version) == ("1", "2")
    assert second.model.sha256 != first.model.sha256
    assert first.predict(subject()) == second.predict(subject())
    folder.rename(folder.with_name(".wound-triage"))
    assert list(look()) == ["capture-quality"], "hidden while it is being copied"


@pytest.mark.usefixtures("offered")
def test_packages_are_asked_once(tmp_path: Path) -> None:
    look = Installed(settings(tmp_path))
    first, second = look(), look()
    assert list(first) == list(second)
    assert first["elsewhere"] is second["elsewhere"]
