"""How long the functions of a source file are, in lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# `function name() {`, `name() {` and `() => {`, but no `if (...) {`.
_OPENS = re.compile(
    r"^(?P<indent>\s*)(?!.*\b(if|for|while|switch|catch|with)\b).*(\bfunction\b.*|\)|=>)\s*\{$"
)


def python_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of each function, the inner ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def javascript_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield the first line and the number of lines of each function, told by its indentation."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if opening := _OPENS.match(line):
            close = opening["indent"] + "}"
            end = next((at for at in range(start + 1, len(lines)) if lines[at].startswith(close)), len(lines))
            yield line.strip(), end - start + 1
