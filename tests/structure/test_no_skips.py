"""In CI nothing is skipped, whatever the way a test tries to get out."""

from __future__ import annotations

import pytest

from tests.servers.imgcore_server import ROOT

pytest_plugins = ["pytester"]

SKIPPED = """
    import pytest

    @pytest.mark.skip(reason="too slow")
    def test_marked(): ...

    def test_called():
        pytest.skip("no such tool")

    @pytest.mark.xfail(reason="known")
    def test_expected_to_fail():
        assert False

    @pytest.mark.xfail(reason="known", strict=False)
    def test_expected_to_fail_and_does_not(): ...

    @pytest.fixture
    def tool():
        pytest.skip("no such tool")

    def test_fixture(tool): ...

    def test_sound(): ...
"""
SKIPPED_WHOLE = """
    import pytest

    pytest.importorskip("no_such_module")
"""


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester) -> None:
    """Let the inner run import the plugin from here."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("IMGCORE_CI", raising=False)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_skips_fail_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    pytester.makepyfile(SKIPPED)
    monkeypatch.setenv("IMGCORE_CI", "1")
    result = pytester.runpytest_subprocess("-p", "tests.structure.no_skips", "-n", workers)
    result.assert_outcomes(passed=1, failed=3, errors=2)
    result.stdout.fnmatch_lines(["skipped, which CI does not accept: Skipped: too slow"])


def test_a_module_skipped_whole_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SKIPPED_WHOLE)
    monkeypatch.setenv("IMGCORE_CI", "1")
    result = pytester.runpytest_subprocess("-p", "tests.structure.no_skips")
    assert result.ret != pytest.ExitCode.OK
    result.assert_outcomes(errors=1)


def test_skips_pass_elsewhere(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPPED)
    result = pytester.runpytest_subprocess("-p", "tests.structure.no_skips")
    result.assert_outcomes(passed=1, skipped=3, xfailed=1, xpassed=1)
