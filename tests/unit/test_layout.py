"""How the tests themselves are laid out."""

import re

from local.stack import ROOT

TEST_MODULES = sorted((ROOT / "tests").rglob("test_*.py"))


def test_no_test_module_imports_another() -> None:
    """What several of them use is in tests/support, so that each can be moved or deleted."""
    assert len(TEST_MODULES) > 30
    imports = re.compile(r"^\s*(from|import) tests(\.\w+)*[. ](import )?test_", re.MULTILINE)
    assert [path for path in TEST_MODULES if imports.search(path.read_text("utf-8"))] == []
