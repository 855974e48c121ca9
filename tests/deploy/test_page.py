"""The page as it is staged for Hosting: what it may call, and what it loads."""

import json
import re
from pathlib import Path

from local.toolchain import Toolchain
from tests.deploy.dry import printed
from tests.deploy.project import REGION, ROOT
from tests.support import commands


def _page(root: Path, *settings: str) -> tuple[str, dict[str, str | None]]:
    """The staged page's security policy, and its settings."""
    printed(root, *settings, "hosting")
    staged = root / "checkout/build/stage/firebase"
    hosting = json.loads((staged / "firebase.json").read_text())["hosting"]
    regions = {rule["run"]["region"] for rule in hosting["rewrites"] if "run" in rule}
    assert regions == {REGION}, "firebase-tools would look for functions in us-central1"
    (policy,) = (
        header["value"]
        for rule in hosting["headers"]
        for header in rule["headers"]
        if header["key"] == "Content-Security-Policy"
    )
    return policy, json.loads((staged / "public/config.json").read_text())


def test_the_page_may_call_recaptcha_only_where_app_check_is_asked_for(root: Path) -> None:
    """Each origin that a policy allows is one whose scripts are trusted with everything."""
    plain, config = _page(root)
    assert config["appCheckSiteKey"] is None
    assert "recaptcha" not in plain
    assert "appcheck" not in plain
    policy, config = _page(root, "--set", "APP_CHECK_SITE_KEY=6Lc_site-key")
    assert config == {**config, "appCheckSiteKey": "6Lc_site-key", "signIn": "firebase"}
    before, after = (
        {text.split()[0]: set(text.split()[1:]) for text in each.split(";")}
        for each in (plain, policy)
    )
    recaptcha = "https://www.google.com/recaptcha/"
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "script-src": {recaptcha, "https://www.gstatic.com/recaptcha/"},
        "frame-src": {recaptcha},
        "connect-src": {recaptcha, "https://content-firebaseappcheck.googleapis.com"},
    }


def test_the_sdk_that_the_page_loads_is_staged_and_names_what_the_policy_allows(
    tmp_path: Path, tools: Toolchain
) -> None:
    """It is in no commit: signing in would fail where nobody built it, or where it moved to."""
    staged = commands.printed("./dev.sh", "stage", "firebase", "--to", tmp_path, PATH=tools.path)
    assert staged == f"{tmp_path / 'firebase'}\n"
    vendor = tmp_path / "firebase/public/vendor"
    page = (ROOT / "public/app/account-firebase.js").read_text()
    code = {
        name: (vendor / name).read_text()
        for name in re.findall(r'import\("../vendor/([^"]+)"\)', page)
    }
    shared = {name for text in code.values() for name in re.findall(r'"./([\w-]+.js)"', text)}
    reference = {"reference.js", "reference.css"}
    assert {path.name for path in vendor.iterdir()} == {*code, *shared, *reference}
    assert "https://www.google.com/recaptcha/enterprise.js" in code["app-check.js"]
    assert "https://content-firebaseappcheck.googleapis.com/" in code["app-check.js"]
    assert "https://apis.google.com/js/api.js" in code["auth.js"]
