"""The repository speaks of the product alone, and holds no code of others."""

from __future__ import annotations

from tests.structure.sources import all_texts

# Put together here, so that this file does not hold what it looks for.
FOLDERS_OF_A_MACHINE = tuple(f"/{name}/" for name in ("home", "root", "opt", "work", "tmp"))
HOSTS_OF_PACKAGES = tuple(
    f"{name}.{domain}"
    for name, domain in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "com"), ("npmjs", "org"))
) + tuple(f"{name}.{domain}" for name, domain in (("unpkg", "com"), ("jsdelivr", "net"), ("cdnjs", "com")))

# Tests may speak of files that other programs leave there.
TEMPORARY = FOLDERS_OF_A_MACHINE[-1]
# Nobody types longer lines; tools that pack scripts write them.
LONGEST_LINE = 300


def test_no_place_of_a_machine_and_no_host_of_packages_is_named() -> None:
    found = [
        f"{path}: {word}"
        for path, text in all_texts()
        for word in FOLDERS_OF_A_MACHINE + HOSTS_OF_PACKAGES
        if word in text and not (word == TEMPORARY and path.parts[0] == "tests")
    ]
    assert found == []


def test_no_script_of_others_is_committed() -> None:
    foreign = [
        str(path)
        for path, text in all_texts()
        if path.suffix in {".js", ".mjs", ".css", ".map"}
        if ".min." in path.name or max(map(len, text.splitlines()), default=0) > LONGEST_LINE
    ]
    assert foreign == []
