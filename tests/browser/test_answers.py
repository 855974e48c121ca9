"""Every state of an answer on a card: words, lists and numbers agree."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, ViewportSize, expect

from tests.support.answers import CASES, Answer
from tests.support.browser import DESKTOP, PHONE, Complaints
from tests.support.page import MODEL_MS, choose, module, serious
from tests.support.visits import Visit

LAYOUTS = {"yes.one", "yes.few", "yes.different", "maybe.group", "no.blurred"}  # for axe
SURE = ("Clearly", "단연")
PARTS = ("headline", "words", "joint", "protection", "alike", "tip", "shares")
UNSURE = (
    "erhaps",
    "not sure",
    "robably",
    "may be",
    "cannot tell",
    "아마도",
    "확실하지",
    "수도",
    "어려",
)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Photos of nothing: the answers are recorded."""
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.new("RGB", (300, 200), (40 * number, 120, 90)).save(path)
    return paths


def answered(page: Page, answer: Answer, files: list[Path]) -> Locator:
    """The card of photos that get this answer."""

    def reply(route: Route) -> None:
        route.fulfill(json=answer)

    page.route("**/classify?*", reply, times=4)
    chosen = files[: len(answer.get("photos", [1]))]
    card = choose(page, *chosen)
    if len(chosen) > 1:
        page.locator("#merge-yes").click()
        expect(page.locator(".card")).to_have_count(1)
        expect(card.locator(".strip li")).to_have_count(len(chosen))
        expect(card).to_have_attribute("data-state", "answered")
    page.unroute("**/classify?*")
    return card


def contradictions(card: Locator, answer: Answer, language: str) -> list[str]:
    """What does not fit together on the card."""
    likely = answer.get("set", {}).get("species", [])
    shown = {name: card.locator(f".{name}") for name in PARTS}
    texts = {name: part.inner_text() for name, part in shown.items() if part.is_visible()}
    shares = card.locator(".shares ul").text_content() if "shares" in texts else ""
    text = " ".join([*texts.values(), str(shares)])
    found = [
        f"names {row['id']}"
        for row in answer["species"]
        if row["id"] not in likely and row["names"][language] in text
    ]
    if any(word in text for word in SURE) and any(word in text for word in UNSURE):
        found.append("sure and not sure")
    if "%" in text and len(likely) < 2:
        found.append("a share beside one name")
    headline = texts["headline"]
    if headline in texts.get("alike", "").split("\n"):
        found.append("the headline is in its own list")
    chosen = card.locator(".keep select").input_value()
    if chosen and not (headline.endswith(speaks(answer, chosen, language)) and likely == [chosen]):
        found.append("suggests to save another kind")
    if "undefined" in text or "{" in text:
        found.append("a gap")
    return found


def speaks(answer: Answer, name: str, language: str) -> Any:
    return next(row["names"][language] for row in answer["species"] if row["id"] == name)


@pytest.mark.parametrize(
    ("language", "screen", "scheme"), [("en", PHONE, "light"), ("ko", DESKTOP, "dark")]
)
def test_no_state_contradicts_itself(
    visit: Visit, files: list[Path], language: str, screen: ViewportSize, scheme: str
) -> None:
    """Each recorded answer, on a card of its own; axe looks at each layout too."""
    # A service worker that takes over meanwhile lets requests past the recorded answers.
    page = visit(
        screen=screen,
        locale=language,
        color_scheme=scheme,
        reduced_motion="reduce",
        service_workers="block",
    )
    wrong = {}
    for name, (state, answer) in CASES.items():
        card = answered(page, answer, files)
        expect(card.locator(".result")).to_have_attribute("data-state", state)
        wrong[name] = contradictions(card, answer, language)
        if state in LAYOUTS:
            card.locator("details").evaluate_all("(all) => all.forEach((it) => (it.open = true))")
            wrong[name] += serious(page)
        card.locator(".remove").click()
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_a_photo_of_something_else_is_named_and_not_ticked(visit: Visit, files: list[Path]) -> None:
    """A gymnast among photos of a galah was kept as a galah; what a person ticks stays ticked."""
    page = visit()
    card = answered(page, CASES["seen: a gymnast joined"][1], files)
    expect(card.locator(".joint")).to_contain_text("From 1 of 2 photos. Photo 2 does not seem")
    expect(card.get_by_role("checkbox", name="Keep photo 1")).to_be_checked()
    stranger = card.get_by_role("checkbox", name="Keep photo 2")
    expect(stranger).not_to_be_checked()
    stranger.check()
    page.locator("#language").select_option("ko")
    expect(card.locator(".joint")).to_contain_text("사진 2")
    expect(card.locator(".which input").nth(1)).to_be_checked()
    card.locator(".remove").click()
    page.locator("#language").select_option("en")
    card = answered(page, CASES["one of three differs"][1], files)
    expect(card.locator(".joint")).to_contain_text("Photo 2 does not seem")


def test_a_reload_loses_nothing_and_what_was_put_aside_can_be_seen_again(
    visit: Visit, files: list[Path]
) -> None:
    """Answers are kept on this device only: nothing is asked again, and people can clear them."""
    page = visit()
    answered(page, CASES["one"][1], files)
    answered(page, CASES["two"][1], files[1:])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    written = "m.entries().then((rows) => rows.length === 2 && rows.every((row) => row.answer))"
    while not module(page, "recent", written):  # it is drawn before it is written down
        page.wait_for_timeout(100)
    page.reload()
    expect(page.locator(".card .headline")).to_have_text(
        ["Scarlet macaw or Blue-and-yellow macaw", "Galah"], timeout=MODEL_MS
    )
    page.locator(".card .remove").first.click()
    before = page.locator("#recent .tile")
    expect(before.locator(".name")).to_have_text("Scarlet macaw or Blue-and-yellow macaw")
    before.get_by_role("button").click()
    expect(page.locator(".card")).to_have_count(2)
    expect(before).to_have_count(0)
    page.locator(".card .remove").first.click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#recent")).to_be_hidden()
    page.reload()
    expect(page.locator(".card .headline")).to_have_text("Galah")
    expect(page.locator("#recent")).to_be_hidden()
    assert not any("/classify" in url for url in asked)


def test_an_answer_is_shared_as_a_picture_or_copied(visit: Visit, files: list[Path]) -> None:
    """What people send to friends: the photo with its name; on a computer the words and a link."""
    page = visit()
    page.add_init_script("""
      navigator.canShare = () => true;
      navigator.share = async (shared) => {
        window.shared = shared;
        document.body.dataset.shared = shared.text;
      };
    """)
    page.reload()
    card = answered(page, CASES["one"][1], files)
    card.get_by_role("button", name="Share").click()
    text = "Galah (Eolophus roseicapilla)"
    expect(page.locator("body")).to_have_attribute("data-shared", text, timeout=MODEL_MS)
    assert page.evaluate("new URL(shared.url).pathname") == "/kinds/eolophus-roseicapilla"
    size = "createImageBitmap(shared.files[0]).then((it) => [it.width, it.height])"
    assert page.evaluate(size) == [1080, 1350]
    computer = visit()
    computer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = answered(computer, CASES["maybe one"][1], files)
    card.get_by_role("button", name="Share").click()
    expect(computer.locator("#toast")).to_contain_text("Copied", timeout=MODEL_MS)
    copied = computer.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Perhaps a parrot\n")


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (500, "internal")])
def test_what_may_work_later_can_be_tried_again(
    visit: Visit, complaints: Complaints, files: list[Path], status: int, code: str
) -> None:
    """The words say so: once the person has signed in, or the fault is mended."""
    complaints.expect(f"status of {status}")
    page = visit(service_workers="block")

    def refuse(route: Route) -> None:
        route.fulfill(status=status, json={"status": status, "code": code})

    page.route("**/classify?*", refuse, times=1)
    card = choose(page, files[0], until="failed")
    page.route("**/classify?*", lambda route: route.fulfill(json=CASES["one"][1]), times=1)
    card.get_by_role("button", name="Try again").click()
    expect(card.locator(".headline")).to_have_text("Galah", timeout=MODEL_MS)


def test_zoom_starts_where_the_model_looked_and_ends_where_pixels_do(
    visit: Visit, tmp_path: Path
) -> None:
    """The bird is small and off-centre; ten times closer was a few grey squares."""
    photo = tmp_path / "large.png"
    Image.new("RGB", (3000, 2000), "teal").save(photo)
    small = {"sha256": "ab" * 32, "width": 3000, "height": 2000, "focus": [0.6, 0.6, 0.8, 0.8]}
    page = visit()
    card = answered(page, {**CASES["one"][1], "photo": small}, [photo])
    seen = []
    for zoom in range(2):
        card.locator(".zoom").click()
        expect(page.locator("#crop .window")).to_be_focused()
        for _ in range(40 * zoom):
            page.keyboard.press("+")
        with page.expect_response("**/classify?*", timeout=60_000) as response:
            page.locator("#crop button[value=done]").click()
        seen.append(response.value.json()["photo"]["width"])
    assert seen == [780, 120]


def test_a_phone_held_sideways_shows_all_of_zoom(visit: Visit, files: list[Path]) -> None:
    """Its buttons were below the edge, where few would scroll to them."""
    page = visit(screen={"width": 844, "height": 390})
    answered(page, CASES["one"][1], files).locator(".zoom").click()
    for part in ("h2", ".window", "input", ".actions"):
        expect(page.locator(f"#crop {part}")).to_be_in_viewport(ratio=1)
