"""Bad days of the host, of the service and of the device: what the page then shows is so."""

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import PHONE, Complaints
from tests.support.page import TILES, module, my_birds, name_of, opened, slow_upload
from tests.support.phone import Phone
from tests.support.photos import encoded, noise
from tests.support.scripted_http import Request, ScriptedAnswer, serving
from tests.support.visits import Visit

SCRIPT = "text/javascript"
UNDO_MS = 7_200  # of the page's patience with a slip
SAVE = "{ id: x, account: `local:${x}`, species: 'nestor-notabilis', name: 'Kea', photo }"
SDK = """
const user = {
  uid: "ana",
  getIdTokenResult: async () => ({ token: "token", claims: {}, expirationTime: new Date(0) }),
  toJSON: () => ({ stsTokenManager: { expirationTime: Date.now() + 3_600_000 } }),
};
export const [initializeApp, onIdTokenChanged] = [() => {}, () => {}];
export const indexedDBLocalPersistence = {};
export const initializeAuth = () => ({ authStateReady() {}, currentUser: user });
"""  # of what the page asks, as far as it matters
PHOTO = "const photo = new File([await (await fetch('/icons/192.png')).blob()], 'kea.png')"


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page on a phone, without a service worker: all its requests can be answered here."""
    return visit(screen=PHONE, service_workers="block")


@pytest.fixture
def owner(page: Page, running_url: str) -> Phone:
    """Whoever uses the page; one bird of theirs is there."""
    person = Phone(running_url, name_of(page))
    person.settled(person.save(1))
    return person


def save(page: Page, name: str) -> None:
    """Send a photo of somebody's from this page; without waiting for the answer."""
    page.evaluate(
        f"async (x) => {{ {PHOTO}; const m = await import('/app/outbox.js');"
        f" await m.addSave({SAVE}); m.flush(); }}",
        name,
    )


def test_a_deletion_that_is_refused_brings_the_bird_back(
    page: Page, owner: Phone, complaints: Complaints
) -> None:
    """It stayed hidden for ever: not deleted, not asked for again, and nobody was told."""
    complaints.expect("status of 500")
    tile = my_birds(page)

    def refuse(route: Route) -> None:
        if route.request.method == "DELETE":
            route.fulfill(status=500, json={"code": "internal"})
        else:
            route.fallback()

    page.route("**/observations/*", refuse)
    expect(tile).to_have_count(1)
    page.clock.install()
    opened(tile).get_by_role("button", name="Delete").click()
    expect(tile).to_have_count(0)
    page.clock.fast_forward(UNDO_MS)
    expect(tile).to_have_count(1)
    expect(page.locator("#toast")).to_contain_text("Something went wrong")
    assert len(owner.observations()) == 1


@pytest.mark.parametrize("storage", ["full", "forbidden"])
def test_birds_are_shown_where_none_can_be_kept(page: Page, owner: Phone, storage: str) -> None:
    """They had been loaded, and what was shown was that the device has no room."""
    if storage == "full":
        chromium = page.context.new_cdp_session(page)
        device = {"origin": owner.url, "quotaSize": 1}
        chromium.send("Storage.overrideQuotaForOrigin", device)
    else:
        page.add_init_script(
            "indexedDB.open = () => { throw new DOMException('', 'SecurityError') }"
        )
        page.reload()
    expect(my_birds(page).locator("img.there")).to_be_visible()
    expect(page.locator("#birds-problem")).to_be_hidden()


def test_what_is_sent_for_somebody_else_is_not_among_my_birds(
    page: Page, owner: Phone, running_url: str
) -> None:
    """Two people share a tablet: one's photos wait for the network, the other looks at theirs."""
    expect(my_birds(page)).to_have_count(1)
    other = Phone(running_url, uuid.uuid4().hex)
    save(page, other.user)
    other.all_settled()
    page.wait_for_timeout(300)
    expect(page.locator(TILES)).to_have_count(1)
    assert len(owner.observations()) == 1


def test_what_is_on_its_way_is_erased_too(page: Page, owner: Phone) -> None:
    """On a slow network it arrived after everything was said to be deleted, and stayed."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/save", hold)
    save(page, owner.user)
    page.get_by_role("link", name="Privacy").click()
    expect(page.locator("#privacy-figures")).to_contain_text("1 photo is kept")
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Delete everything now").click()
    page.wait_for_timeout(500)
    (route,) = held
    with page.expect_download():
        route.continue_()
    assert owner.observations() == []


def test_an_export_that_breaks_off_is_asked_for_again(page: Page, owner: Phone) -> None:
    """A hundred megabytes on a train: the whole export failed, with no word about the network."""
    page.add_init_script(
        """(() => { const { blob } = Response.prototype; let times = 0;
        Response.prototype.blob = function () {
          return times++ ? blob.call(this) : Promise.reject(new TypeError("network error"));
        }; })()"""
    )
    page.reload()
    page.get_by_role("link", name="Privacy").click()
    expect(page.locator("#privacy-figures")).to_contain_text("1 photo is kept")
    with page.expect_download():
        page.get_by_role("button", name="Download everything").click()
    assert len(owner.observations()) == 1


def test_birds_are_carried_with_what_was_said_and_without_those_that_have_no_photo(
    page: Page, owner: Phone, complaints: Complaints
) -> None:
    """One lost photo kept its owner from signing in; and a no was forgotten, which may mean yes."""
    (lost,) = owner.pages()
    owner.settled(owner.send(encoded(noise(32, 24, seed=2)), training="false")["id"])
    complaints.expect("status of 404")
    missing = {"status": 404, "json": {"code": "not_found"}}
    page.route(f"**/{lost}/original", lambda route: route.fulfill(**missing))
    (bird,) = module(page, "carry", "await m.carry.load(`local:${x}`)", owner.user)
    assert (bird["species"], bird["training"]) == ("nestor-notabilis", "false")


@pytest.fixture
def hosted(browser: Browser, running_url: str) -> Iterator[tuple[Page, dict[str, bytes]]]:
    """The page as a host brings it that can fail: answers by path, b"" is an error."""
    answers: dict[str, bytes] = {}

    def host(request: Request) -> ScriptedAnswer:
        response = requests.get(f"{running_url}{request.path}", timeout=60)
        body = answers.get(request.path, response.content)
        kind = {"Content-Type": response.headers["Content-Type"]}
        return ScriptedAnswer(body, response.status_code if body else 503, kind)

    with serving(host) as server, closing(browser.new_context(base_url=server.url)) as context:
        page = context.new_page()
        page.goto("/")
        page.evaluate("navigator.serviceWorker.ready")
        page.reload()
        expect(page.locator("body.ready")).to_be_visible()
        yield page, answers


def test_what_is_kept_stands_in_for_a_host_that_fails(
    hosted: tuple[Page, dict[str, bytes]],
) -> None:
    """One file's error was a page on which nothing worked, though the file was kept."""
    page, answers = hosted
    answers["/app/main.js"] = b""
    page.reload()
    expect(page.locator("body.ready")).to_be_visible()


def test_a_new_page_is_shown_where_it_cannot_be_kept(
    hosted: tuple[Page, dict[str, bytes]],
) -> None:
    """A full device showed the old page for ever."""
    page, answers = hosted
    device = {"origin": page.evaluate("location.origin"), "quotaSize": 1}
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", device)
    answers["/"] = page.content().replace("</body>", "<i id='new'></i></body>").encode()
    page.reload()
    expect(page.locator("#new")).to_be_attached()


def asked(visit: Visit, **config: str) -> Page:
    """A page that asks Firebase who its person is."""
    page = visit("/parrot-classifier/errors", service_workers="block")
    page.route("**/config.json", lambda route: route.fulfill(json={"signIn": "firebase"} | config))
    return page


def test_a_save_waits_where_firebases_sdk_cannot_be_had(
    visit: Visit, complaints: Complaints
) -> None:
    """Opened without a network, the page did not start, or told people to load it again."""
    complaints.expect("status of 404")  # of the SDK
    page = asked(visit, appCheckSiteKey="key")
    page.add_init_script("localStorage.setItem('parrot.account', 'uid:ana')")
    page.goto("/")
    expect(page.locator("body.ready")).to_be_visible()
    assert module(page, "account", "await m.ensure()") == "uid:ana"
    assert module(page, "credentials", "await m.headersOf(null).catch((e) => e.code)") == "offline"
    full = "Promise.reject(new DOMException('', 'QuotaExceededError'))"  # its code is a number
    told = module(page, "credentials", f"await {full}.catch(m.failed).catch((e) => e.code)")
    assert told == "offline"
    entry = "{ id: 'one', account: 'uid:ana', species: 'nestor-notabilis', photo: new Blob() }"
    module(page, "outbox", f"(await m.addSave({entry}), await m.flush())")
    (waiting,) = module(page, "outbox", "await m.entries('uid:ana')")
    assert waiting["problem"] is None


def test_firebases_sdk_is_asked_for_again_and_its_clock_counts(
    visit: Visit, complaints: Complaints
) -> None:
    """One failure lasted until a reload; and a tablet with the wrong hour never had a token."""
    complaints.expect("status of 503")
    page = asked(visit)
    page.route("**/vendor/auth.js", lambda route: route.fulfill(body=SDK, content_type=SCRIPT))
    setups = iter([(503, "<html>"), (200, "{}")])

    def set_up(route: Route) -> None:
        status, body = next(setups)
        route.fulfill(status=status, body=body)

    page.route("**/__/firebase/init.json", set_up)
    page.goto("/")
    assert module(page, "account", "await m.ensure().catch((e) => e.code)") == "offline"
    assert module(page, "account", "await m.ensure()") == "uid:ana"
    headers = module(page, "credentials", "await m.headersOf('uid:ana')")
    assert headers == {"Authorization": "Bearer token"}


def test_a_photo_that_a_worker_sends_takes_as_long_as_the_service_allows(
    visit: Visit, complaints: Complaints
) -> None:
    """A worker does not see it move: each try ended after a minute, and the next began again.

    Here a second stands for the minute.
    """
    complaints.expect("status of 415")
    page = visit("/parrot-classifier/errors", service_workers="block")

    def hurry(route: Route) -> None:
        script = route.fetch().text()
        assert "STALLED_SECONDS = 60;" in script
        hurried = script.replace("STALLED_SECONDS = 60;", "STALLED_SECONDS = 1;")
        route.fulfill(body=hurried, content_type=SCRIPT)

    page.route("**/app/transport.js", hurry)
    page.goto("/")
    with slow_upload(page, 30_000):
        send = "(m.request('/parrot-classifier/classify', { method: 'POST', body: form(x) }))"
        page.evaluate(
            "window.form = (size) => { const form = new FormData();"
            " form.append('image', new Blob(['\\xff', new Uint8Array(size)])); return form; }"
        )
        code = module(page, "transport", f"await {send}.catch((e) => e.code)", 90_000)
    assert code == "unsupported_media"


def test_a_photo_that_could_not_be_made_smaller_is_tried_again(page: Page) -> None:
    """A phone that was short of memory for a moment could not save it until a reload."""
    page.evaluate(
        """() => { const { toBlob } = HTMLCanvasElement.prototype; let times = 0;
        HTMLCanvasElement.prototype.toBlob = function (done, ...more) {
          return times++ ? toBlob.call(this, done, ...more) : done(null);
        }; }"""
    )
    script = f"""async () => {{ {PHOTO};
      const {{ Picture }} = await import("/app/picture.js");
      const picture = new Picture({{ file: new File([photo], "kea.png", {{ type: "" }}) }});
      const failed = await picture.forModel().catch(() => "failed");
      return [failed, (await picture.forModel()).type];
    }}"""
    assert page.evaluate(script) == ["failed", "image/jpeg"]
