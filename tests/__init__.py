"""Helpers that assert say what they saw, as the tests themselves do."""

import pytest

pytest.register_assert_rewrite("tests.support")
