"""The card of a model: what is accepted, and what is said of each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from imgcore.analysis.cards import HttpCard, HuggingFaceCard, Input, OnnxCard, Server, read
from imgcore.analysis.risks import Risk
from imgcore.errors import ConfigError
from tests.analysis.models import CARD, ONNX_CARD
from tests.structure.sources import ROOT

GUIDE = (ROOT / "docs" / "analysers.md").read_text()
HEAD = CARD.format(name="triage", kind="onnx")
ONNX = ONNX_CARD.format(name="triage", kind="onnx", output="logits", feed="")
HUGGING_FACE = CARD.format(name="triage", kind="huggingface")
HTTP = CARD.format(name="triage", kind="http")
LABELS = 'labels = ["a", "b"]\n'
INPUT = "[input]\nsize = [224, 224]\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def written(folder: Path, text: str) -> Path:
    (folder / "card.toml").write_text(text)
    return folder


def test_a_card_of_each_kind_is_read(tmp_path: Path) -> None:
    onnx = read(written(tmp_path, ONNX))
    assert isinstance(onnx, OnnxCard)
    assert (onnx.file, onnx.input.size, onnx.labels) == ("model.onnx", (32, 24), ("calm", "watch", "urgent"))
    hub = read(written(tmp_path, HUGGING_FACE + f'hub = "a-clinic/feet"\nrevision = "{COMMIT}"\n'))
    assert isinstance(hub, HuggingFaceCard)
    http = read(written(tmp_path, HTTP + '[server]\nurl = "https://models.example.org/feet"\n'))
    assert isinstance(http, HttpCard)
    assert (http.server.timeout, http.server.tries, http.labels) == (30, 3, None)


def test_labels_can_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\ufefffirst\n second \n\nthird\n", encoding="utf-8")
    card = read(written(tmp_path, HEAD + 'labels_file = "labels.txt"\n' + INPUT))
    assert card.labels == ("first", "second", "third")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid"),
        (
            ONNX.replace('kind = "onnx"', 'kind = "tensorflow"'),
            'kind must be "onnx", "huggingface" or "http"',
        ),
        (ONNX.replace('kind = "onnx"', ""), 'kind must be "onnx", "huggingface" or "http"'),
        (ONNX.replace('name = "triage"', 'name = "My Triage"'), "name: "),
        (ONNX.replace('version = "1"', ""), "version: Field required"),
        (ONNX.replace('limits = "It knows three colours."', ""), "limits: Field required"),
        (ONNX.replace("[input]", "sort = 1\n[input]"), "sort: Extra inputs are not permitted"),
        (ONNX.replace("[32, 24]", "[32]"), "input.size"),
        (ONNX + "std = [1, 0, 1]", "every number of std must be greater than 0"),
        (ONNX + 'resize = "squeeze"', "input.resize: Input should be 'stretch', 'crop' or 'pad'"),
        (ONNX.replace('"watch"', '"calm"'), "a label stands twice"),
        (ONNX.replace("[input]", 'labels_file = "x"\n[input]'), "labels or labels_file, not both"),
        (HEAD + INPUT, "labels or labels_file is missing"),
        (HEAD + 'labels_file = "gone.txt"\n' + INPUT, "the file of labels cannot be read"),
        (HEAD + 'labels_file = "../labels.txt"\n' + INPUT, "in the folder of the card"),
        (HEAD + LABELS + 'file = "a/model.onnx"\n' + INPUT, "in the folder of the card"),
        (HUGGING_FACE, "give folder or hub"),
        (HUGGING_FACE + 'hub = "a-clinic/feet"\n', "hub and revision belong together"),
        (HUGGING_FACE + 'hub = "a-clinic/feet"\nrevision = "main"\n', "revision: "),
        (HUGGING_FACE + 'folder = ".."\n', "in the folder of the card"),
        (HTTP, "server: Field required"),
        (HTTP + '[server]\nurl = "http://models.example.org"\n', "must begin with https://"),
        (HTTP + '[server]\nurl = "file:///etc/passwd"\n', "must begin with https://"),
        (HTTP + '[server]\nurl = "https://me:secret@models.example.org"\n', "must not hold a password"),
        (HTTP + '[server]\nurl = "https://models.example.org"\ntries = 0\n', "server.tries: "),
        (ONNX + '[risk]\nlevels = ["low"]\nlabels = { calm = "high" }', '"high" is not among the levels'),
        (ONNX + '[risk]\nlevels = ["low"]\nlabels = { fine = "low" }', '"fine" is not among the labels'),
        (
            ONNX + '[risk]\nlevels = ["low"]\nlabels = { calm = "low" }\nraises = { watch = 0.5 }',
            '"watch" raises the level, and has none',
        ),
        (
            ONNX + '[risk]\nlevels = ["low"]\nlabels = { calm = "low" }\nminimum_confidence = 60',
            "risk.minimum_confidence: Input should be less than or equal to 1",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    folder = tmp_path / "feet"
    folder.mkdir()
    with pytest.raises(ConfigError) as caught:
        read(written(folder, text))
    assert caught.value.message.startswith("The model in feet has no usable card.toml: ")
    assert said in caught.value.message
    assert "secret" not in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_card_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no usable card"):
        read(tmp_path)


def test_the_cards_of_the_guide_are_right(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert [type(read(written(tmp_path, text))) for text in examples] == [OnnxCard, HuggingFaceCard, HttpCard]


@pytest.mark.parametrize("table", [OnnxCard, HuggingFaceCard, HttpCard, Input, Server, Risk])
def test_every_entry_is_explained_in_the_guide(table: type[BaseModel]) -> None:
    assert [name for name in table.model_fields if f"`{name}`" not in GUIDE] == []
