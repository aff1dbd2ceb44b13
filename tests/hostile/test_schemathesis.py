"""The OpenAPI document tells the truth: a short run of `fuzz.py`."""

import pytest

from tests.hostile.fuzz import fuzz
from tests.support.databases import Databases

SECONDS = 30


class TestSchemathesis:
    """Requests that the document allows, and requests that it forbids."""

    @pytest.mark.timeout(SECONDS * 4)
    def test_finds_nothing(self, databases: Databases) -> None:
        """No server error, and no answer that the document does not describe."""
        options = ["--seed", "1", "--max-examples", "10"]
        outcome = fuzz(databases.migrated(), SECONDS, options)
        assert outcome.status == 0, outcome.report
        assert "failed" not in outcome.report.rpartition("Test cases:")[2]
