"""The categories that an image can have: one closed set for each clinic, kept in a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from imgcore.errors import ConfigError, Invalid
from imgcore.texts import _

Laterality = Literal["L", "R", "B", "U"]

DEFAULT_CODE = "other"
SETS_DIR = Path(__file__).parent / "category_sets"
# What the grid does with these keys, by the names that browsers give them. A category cannot have one.
# Z undoes and A selects all; R and C belong to Streamlit; X is kept free beside C, because of Ctrl+X.
RESERVED_KEYS = frozenset(
    {"z", "x", "r", "c", "a", " ", "enter", "delete", "?"}
    | {f"arrow{way}" for way in ("left", "right", "up", "down")}
)

_LONGEST_CODE = 64
_LONGEST_LABEL = 100


@dataclass(frozen=True)
class Category:
    """One kind of image; its code is stored with images and is never deleted or reused."""

    code: str
    label: str
    group: str
    laterality: Laterality | None
    order: int
    shortcut: str | None
    is_identity_document: bool
    active: bool


@dataclass(frozen=True)
class CategorySet:
    """The categories of a clinic, in the order in which they are offered."""

    name: str
    title: str
    categories: tuple[Category, ...]
    default: ClassVar[str] = DEFAULT_CODE

    @cached_property
    def _by_code(self) -> dict[str, Category]:
        return {category.code: category for category in self.categories}

    def active(self) -> tuple[Category, ...]:
        """Return the categories that an image can be given."""
        return tuple(category for category in self.categories if category.active)

    def groups(self) -> dict[str, tuple[Category, ...]]:
        """Return the active categories by group, both in their order."""
        grouped: dict[str, tuple[Category, ...]] = {}
        for category in self.active():
            grouped[category.group] = (*grouped.get(category.group, ()), category)
        return grouped

    def knows(self, code: str) -> bool:
        """Tell whether a code is one of this set, active or not."""
        return code in self._by_code

    def get(self, code: str) -> Category:
        """Return a category, inactive ones too.

        A code of another set, which a stored image can have, gives an inactive category of that name.
        """
        unknown = Category(code, code, "", None, len(self.categories), None, False, False)
        return self._by_code.get(code, unknown)

    def label(self, code: str) -> str:
        """Return what to show for a stored code."""
        return self.get(code).label

    def require_active(self, code: str | None) -> Category:
        """Return an active category, or raise ``Invalid`` with the list of accepted codes."""
        category = self._by_code.get(code or "")
        if category and category.active:
            return category
        accepted = ", ".join(category.code for category in self.active())
        raise Invalid(
            _('"{code}" is not a category of this clinic.').format(code=code or ""),
            hint=_("Accepted: {codes}.").format(codes=accepted),
        )


@lru_cache
def load_category_set(name_or_path: str) -> CategorySet:
    """Return a set by its name (``podiatry``) or by the path of a clinic's own ``.toml`` file."""
    is_path = name_or_path.endswith(".toml")
    path = Path(name_or_path) if is_path else SETS_DIR / f"{name_or_path}.toml"
    if not is_path and path not in SETS_DIR.glob("*.toml"):
        known = ", ".join(sorted(file.stem for file in SETS_DIR.glob("*.toml")))
        raise ConfigError(
            _('There is no category set "{name}".').format(name=name_or_path),
            hint=_("Choose one of {names}, or give the path of a .toml file.").format(names=known),
        )
    return _SetFile(path).read()


class _SetFile:
    """The file of a category set, read so that every mistake names its place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> CategorySet:
        content = self._content()
        self._check_keys(_("the top of the file"), content, {"title", "group"})
        title = self._text(_("the top of the file"), content, "title")
        categories = tuple(self._categories(content))
        self._check_unique("code", [category.code for category in categories])
        self._check_unique("shortcut", [c.shortcut for c in categories if c.shortcut])
        if not any(category.code == DEFAULT_CODE and category.active for category in categories):
            raise self._wrong(DEFAULT_CODE, _("every set needs this category, active"))
        return CategorySet(self.path.stem, title, categories)

    def _content(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise self._wrong(_("the file"), error.strerror or _("it cannot be read")) from error
        except ValueError as error:
            raise self._wrong(_("the file"), str(error)) from error

    def _categories(self, content: dict[str, Any]) -> Iterator[Category]:
        order = 0
        for number, group in enumerate(self._tables(_("the top of the file"), content, "group"), start=1):
            entry = _("group {number}").format(number=number)
            self._check_keys(entry, group, {"title", "categories"})
            title = self._text(entry, group, "title")
            for raw in self._tables(title, group, "categories"):
                order += 1
                yield self._category(raw, title, order)

    def _category(self, raw: dict[str, Any], group: str, order: int) -> Category:
        entry = _("category {number} ({code})").format(number=order, code=raw.get("code", "?"))
        known = {"code", "label", "laterality", "shortcut", "is_identity_document", "active"}
        self._check_keys(entry, raw, known)
        return Category(
            code=self._code(entry, raw),
            label=self._text(entry, raw, "label"),
            group=group,
            laterality=self._laterality(entry, raw),
            order=order,
            shortcut=self._shortcut(entry, raw),
            is_identity_document=self._flag(entry, raw, "is_identity_document", absent=False),
            active=self._flag(entry, raw, "active", absent=True),
        )

    def _code(self, entry: str, raw: dict[str, Any]) -> str:
        code = self._text(entry, raw, "code")
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code) or len(code) > _LONGEST_CODE:
            raise self._wrong(entry, _("the code must be lower_snake, at most 64 characters"))
        return code

    def _laterality(self, entry: str, raw: dict[str, Any]) -> Laterality | None:
        side = raw.get("laterality")
        if side is not None and side not in get_args(Laterality):
            raise self._wrong(entry, _("laterality must be L, R, B or U"))
        return side

    def _shortcut(self, entry: str, raw: dict[str, Any]) -> str | None:
        key = raw.get("shortcut")
        if key is None:
            return None
        if str(key).lower() in RESERVED_KEYS:
            raise self._wrong(entry, _('the grid uses the key "{key}" itself').format(key=key))
        if not (isinstance(key, str) and re.fullmatch(r"[a-z0-9]", key)):
            raise self._wrong(entry, _("a shortcut is one small letter from a to z, or one digit, in quotes"))
        return key

    def _text(self, entry: str, raw: dict[str, Any], key: str) -> str:
        value = raw.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(entry, _("{key} is missing").format(key=key))
        if len(value) > _LONGEST_LABEL or not value.isprintable():
            raise self._wrong(entry, _("{key} must be one line of at most 100 characters").format(key=key))
        return value.strip()

    def _flag(self, entry: str, raw: dict[str, Any], key: str, *, absent: bool) -> bool:
        value = raw.get(key, absent)
        if not isinstance(value, bool):
            raise self._wrong(entry, _("{key} must be true or false").format(key=key))
        return value

    def _tables(self, entry: str, raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._wrong(entry, _("{key} must be a list of tables").format(key=key))
        return value

    def _check_keys(self, entry: str, raw: dict[str, Any], known: set[str]) -> None:
        for key in raw.keys() - known:
            raise self._wrong(entry, _('"{key}" means nothing here').format(key=key))

    def _check_unique(self, what: str, values: list[str]) -> None:
        for value, count in Counter(values).items():
            if count > 1:
                raise self._wrong(value, _("two categories have this {what}").format(what=what))

    def _wrong(self, entry: str, problem: str) -> ConfigError:
        where = _("Category set {file}, {entry}: {problem}.")
        return ConfigError(where.format(file=self.path.name, entry=entry, problem=problem))
