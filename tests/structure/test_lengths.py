"""Modules and functions stay short enough to be read in one go."""

from __future__ import annotations

from tests.structure.lengths import javascript_functions, python_functions
from tests.structure.sources import with_suffix

MODULE_LINES = 400
PAGE_LINES = 150
FUNCTION_LINES = 50

JAVASCRIPT = """\
export default function (component) {
  const draw = () => {
    if (component) {
      return 1;
    }
  };
  component.onclick = async (event) => {
  };
}

class Grid {
  draw(list) {
    for (const one of list) {
    }
  }
}
"""


def test_modules_are_short() -> None:
    long = {
        str(path): lines
        for suffix in (".py", ".js")
        for path, text in with_suffix(suffix)
        if (lines := text.count("\n")) > (PAGE_LINES if path.parts[0] == "pages" else MODULE_LINES)
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{path}: {name}": lines
        for suffix, functions in ((".py", python_functions), (".js", javascript_functions))
        for path, text in with_suffix(suffix)
        for name, lines in functions(text)
        if lines > FUNCTION_LINES
    }
    assert long == {}


def test_javascript_functions_are_measured() -> None:
    assert list(javascript_functions(JAVASCRIPT)) == [
        ("export default function (component) {", 9),
        ("const draw = () => {", 5),
        ("component.onclick = async (event) => {", 2),
        ("draw(list) {", 4),
    ]
