"""The card of a model, ``card.toml`` in its folder: what it is, how it is fed, how its answer is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from imgcore.analysis.analysers import LONGEST_NAME, LONGEST_VERSION, NAME
from imgcore.analysis.outputs import Output
from imgcore.analysis.pictures import Filter, Resize
from imgcore.analysis.risks import Risk
from imgcore.errors import ConfigError
from imgcore.texts import _

CARD = "card.toml"
Side = Annotated[int, Field(ge=8, le=4096)]


def _inside(name: str) -> str:
    if Path(name).name != name or name.startswith("."):
        raise ValueError(_("it must be the name of something in the folder of the card"))
    return name


def _safe_address(url: str) -> str:
    address = urlsplit(url)
    is_local = address.scheme == "http" and address.hostname in ("localhost", "127.0.0.1", "::1")
    if not address.hostname or not (address.scheme == "https" or is_local):
        raise ValueError(_("it must begin with https://; http:// does for this machine alone"))
    if address.username or address.password:
        raise ValueError(_("it must not hold a password; name a variable with token_variable"))
    return url


def _text(longest: int, pattern: str | None = None) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest, pattern=pattern)


Line = Annotated[str, _text(200, r"^[^\n]+$")]
FileName = Annotated[Line, AfterValidator(_inside)]
Label = Annotated[str, _text(100)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Table):
    """How a picture is brought to what the model was trained on; ``size`` is (width, height)."""

    size: tuple[Side, Side]
    resize: Resize = "stretch"
    filter: Filter = "bilinear"
    crop_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"

    @model_validator(mode="after")
    def _divisible(self) -> Input:
        if not all(each > 0 for each in self.std):
            raise ValueError(_("every number of std must be greater than 0"))
        return self


class Server(_Table):
    """Where and how a picture is posted; ``timeout`` is in seconds, for one try as a whole."""

    url: Annotated[Line, AfterValidator(_safe_address)]
    body: Literal["multipart", "raw"] = "multipart"
    field: Line = "file"
    region_field: Line | None = None
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")] = "Authorization"
    header_prefix: Annotated[str, StringConstraints(max_length=50, pattern=r"^[ -~]*$")] = "Bearer "
    token_variable: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")] | None = None
    answer: Annotated[str, StringConstraints(max_length=200)] = ""  # dots lead down to the scores


class _Card(_Table):
    name: Annotated[str, StringConstraints(max_length=LONGEST_NAME, pattern=f"^{NAME.pattern}$")]
    version: Annotated[str, _text(LONGEST_VERSION)]
    title: Line
    intended_use: Annotated[str, _text(4000)]
    limits: Annotated[str, _text(4000)]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=10_000)] | None = None
    labels_file: FileName | None = None
    risk: Risk | None = None

    @model_validator(mode="after")
    def _one_list(self) -> _Card:
        if self.labels is not None and self.labels_file is not None:
            raise ValueError(_("give labels or labels_file, not both"))
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            raise ValueError(_("a label stands twice in labels"))
        return self


class OnnxCard(_Card):
    """The card of an ONNX file."""

    kind: Literal["onnx"]
    file: FileName = "model.onnx"
    output: Output = "logits"
    input: Input

    @model_validator(mode="after")
    def _has_labels(self) -> OnnxCard:
        if self.labels is None and self.labels_file is None:
            raise ValueError(_("labels or labels_file is missing"))
        return self


class HuggingFaceCard(_Card):
    """The card of a Hugging Face image classifier: a folder beside the card, or a commit of the hub."""

    kind: Literal["huggingface"]
    folder: FileName | None = None
    hub: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$", max_length=200)] | None = None
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None = None
    output: Output | None = None

    @model_validator(mode="after")
    def _one_place(self) -> HuggingFaceCard:
        if (self.folder is None) == (self.hub is None):
            raise ValueError(_("give folder or hub, one of the two"))
        if (self.hub is None) != (self.revision is None):
            raise ValueError(_("hub and revision belong together; revision is the whole commit"))
        return self


class HttpCard(_Card):
    """The card of a model on an inference server."""

    kind: Literal["http"]
    server: Server
    output: Output = "probabilities"


Card = OnnxCard | HuggingFaceCard | HttpCard
_cards: TypeAdapter[Card] = TypeAdapter(Annotated[Card, Field(discriminator="kind")])


def read(folder: Path) -> Card:
    """Return the card in a folder, its labels read from their file; ``ConfigError`` names what is wrong."""
    try:
        content = tomllib.loads((folder / CARD).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise wrong(folder, error.strerror or _("it cannot be read")) from error
    except ValueError as error:
        raise wrong(folder, str(error)) from error
    try:
        card = _cards.validate_python(content)
        if card.labels_file is None:
            return _with_known_risks(card)
        labels = _labels(folder / card.labels_file)
        # Checked once more, as if they stood in the card.
        content = content | {"labels": labels}
        del content["labels_file"]
        return _with_known_risks(_cards.validate_python(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        reason = str(first["msg"]).removeprefix("Value error, ")
        if first["type"].startswith("union_tag"):
            reason = _('kind must be "onnx", "huggingface" or "http"')
        raise wrong(folder, f"{place}: {reason}" if place else reason) from None
    except ValueError as error:
        raise wrong(folder, str(error)) from error


def wrong(folder: Path, problem: str) -> ConfigError:
    """Return the error about a card, which names its folder and the mistake."""
    return ConfigError(
        _("The model in {folder} has no usable card.toml: {problem}.").format(
            folder=folder.name, problem=problem.rstrip(".")
        ),
        hint=_("Every entry of a card is explained in docs/analysers.md."),
    )


def _labels(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(_("the file of labels cannot be read")) from error
    return [line.strip() for line in lines if line.strip()]


def _with_known_risks(card: Card) -> Card:
    """Refuse a table of risks that speaks of labels which the model does not have."""
    if card.risk is not None and card.labels is not None:
        for label in sorted({*card.risk.labels, *card.risk.raises} - set(card.labels)):
            raise ValueError(_('risk: "{label}" is not among the labels').format(label=label))
    return card
