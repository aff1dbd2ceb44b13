"""docs/security.md names tests that exist, and all of this folder's."""

import re

import pytest

from tests.support.processes import ROOT

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))
HERE = ROOT / "tests/security"


class TestPage:
    """The tests behind the page's claims."""

    @pytest.mark.parametrize(("path", "name"), NAMED)
    def test_exists(self, path: str, name: str) -> None:
        """A class that is named stands in the file that is named."""
        file = ROOT / "tests" / path
        assert f"\nclass {name}:" in file.read_text(encoding="utf-8")

    def test_names_every_class_here(self) -> None:
        """A mistake that is tested here is told of there."""
        found = {
            (f"security/{file.name}", name)
            for file in HERE.glob("test_*.py")
            for name in re.findall(r"^class (\w+):", file.read_text("utf-8"), re.M)
        }
        assert found - {("security/test_page.py", "TestPage")} <= set(NAMED)
