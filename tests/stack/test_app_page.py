"""The snippets of docs/app.md, compiled and run against the stack."""

import json
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from local.samples import MACAW
from local.stack import ROOT
from parrot.review import handle
from tests.support.commands import printed
from tests.support.node import compiled
from tests.support.phone import BASE, REVIEWERS, Phone
from tests.support.photos import encoded, noise
from tests.support.required import missing

PAGE = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
# Calls the snippets and prints the results.
DRIVER = """
import { readFileSync } from "node:fs";
import * as app from "./app.js";
const { Problem, classify, observations, relabel, remove, save, sendAll, settled } = app;
const [base, token, path, reviewer, contested] = process.argv.slice(2);
const photo = new Blob([readFileSync(path)]);
const verdict = await classify(base, photo);
const first = await save(base, token, photo, "ara-ararauna", "key-of-this-test");
const again = await save(base, token, photo, "ara-ararauna", "key-of-this-test");
const ids = [];
for await (const observation of observations(base, token)) ids.push(observation.id);
const problem = await classify(base, new Blob(["<html>"])).catch((error) => error);
const conflict = await save(base, token, photo, "ara-macao", "another-key").catch((error) => error);
const dropped = [];
const entry = (key, blob) => ({ key, photo: blob, species: "ara-ararauna" });
const queue = [entry("a", new Blob(["<html>"])), entry("b", photo)];
const refused = await sendAll(base, token, queue, async (key) => dropped.push(key));
const { id } = first.observation;
const { status } = await settled(base, token, id);
const changed = await relabel(base, token, id, "ara-macao", first.etag);
const late = await relabel(base, token, id, "ara-ararauna", first.etag).catch((error) => error);
await remove(base, token, id);
await remove(base, token, id);
const review = (await app.toReview(base, reviewer, 100)).find((row) => row.id === contested);
const image = await app.reviewImage(base, reviewer, review);
const decided = await app.decide(base, reviewer, review, "not-a-parrot");
const kept = (await app.me(base, token)).training.allowed;
const zips = [];
for await (const zip of app.exported(base, token)) zips.push(zip.type);
const { receipt } = await app.erase(base, token);
console.log(JSON.stringify({
  verdict, id: first.observation.id, created: [first.created, again.created], ids,
  problem: problem instanceof Problem && [problem.status, problem.code],
  conflict: [conflict.code, conflict.observation === id, conflict.requestId?.length],
  queue: [dropped, refused.map((error) => error.code)],
  settled: status !== "pending", changed: changed.species, late: late.code,
  review: [image.type, decided.opinions], me: [kept, zips, receipt.observations],
}));
"""


def snippets(language: str) -> list[str]:
    """The page's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_typescript_compiles_strictly_and_works(tmp_path: Path, ana: Phone) -> None:
    """People paste it; its types come from the API's description."""
    (tmp_path / "app.ts").write_text("\n".join(snippets("ts")))
    app = compiled(tmp_path, "app.ts")
    (app / "driver.js").write_text(DRIVER)
    desk, name = REVIEWERS[0], contested(ana, 951)
    arguments = (f"{ana.url}{BASE}", f"local:{ana.user}", str(MACAW), f"local:{desk}", name)
    results = json.loads(printed("node", "driver.js", *arguments, cwd=app))
    assert results["verdict"]["species"][0]["id"] == "ara-ararauna"
    assert results["created"] == [True, False]
    assert results["ids"][0] == results["id"]
    assert len(results["ids"]) == 2
    assert results["problem"] == [415, "unsupported_media"]
    assert results["conflict"] == ["conflict", True, 16]
    assert results["queue"] == [["a", "b"], ["unsupported_media"]]
    assert results["settled"]
    assert (results["changed"], results["late"]) == ("ara-macao", "precondition_failed")
    assert results["review"] == ["image/webp", 1]
    assert results["me"] == [1, ["application/zip"], 1]
    assert ana.pages() == []


def contested(person: Phone, seed: int) -> str:
    """What reviewers know a photo by that waits for them."""
    saved = person.send(encoded(noise(48, 36, seed=seed)), training="true")
    assert person.settled(saved["id"])["status"] == "needs_review"
    return handle(person.user, saved["id"])


def test_the_python_works(ana: Phone) -> None:
    """As it stands on the page."""
    (code,) = snippets("python")
    module: dict[str, Any] = {}
    exec(compile(code, "docs/app.md", "exec"), module)  # noqa: S102 - the project's own page
    parrots = module["Parrots"](f"{ana.url}{BASE}", f"local:{ana.user}")
    photo = MACAW.read_bytes()
    assert parrots.classify(photo)["species"][0]["id"] == "ara-ararauna"
    saved = parrots.save(photo, "ara-ararauna")
    assert parrots.save(photo, "ara-ararauna")["id"] == saved["id"]
    assert [observation["id"] for observation in parrots.observations()] == [saved["id"]]
    assert len(parrots.classify(photo, photo)["photos"]) == 2
    _, tag = parrots.read(saved["id"])
    assert parrots.settled(saved["id"])["status"] != "pending"
    assert parrots.relabel(saved["id"], "ara-macao", tag)["species"] == "ara-macao"
    with pytest.raises(module["Problem"], match="412 precondition_failed"):
        parrots.relabel(saved["id"], "ara-ararauna", tag)
    for _ in range(2):
        parrots.delete(saved["id"])
    name = contested(ana, 952)
    desk = module["Parrots"](f"{ana.url}{BASE}", f"local:{REVIEWERS[0]}")
    (review,) = [row for row in desk.reviews(100) if row["id"] == name]
    assert desk.image(review)[8:12] == b"WEBP"
    assert desk.decide(review, "not-a-parrot")["opinions"] == 1
    assert parrots.me()["training"]["allowed"] == 1
    assert [part[:2] for part in parrots.export()] == [b"PK"]
    assert parrots.erase()["receipt"]["observations"] == 1


def test_the_curl_lines_work_in_the_order_of_the_page(ana: Phone, tmp_path: Path) -> None:
    """Classify, save, list, relabel, provoke each error, delete."""
    if shutil.which("curl") is None:
        missing("needs curl", required_by="REQUIRE_SUITE")
    for name in ("photo.jpg", "front.jpg", "side.jpg"):
        (tmp_path / name).write_bytes(MACAW.read_bytes())
    classify, together, save, change, errors = snippets("sh")
    listing, *changes = re.split(r"^(?=curl)", change, flags=re.MULTILINE)[1:]
    environment = {"BASE": f"{ana.url}{BASE}", "TOKEN": f"local:{ana.user}"}

    def curl(script: str, *, fail: str = "--fail", **variables: str) -> str:
        known = "" if shutil.which("uuidgen") else f"uuidgen() {{ echo {uuid.uuid4()}; }}\n"
        script = known + script.replace("curl ", f"curl --silent --show-error {fail} ")
        return printed("bash", "-ec", script, cwd=tmp_path, **environment, **variables)

    assert json.loads(curl(classify))["species"][0]["id"] == "ara-ararauna"
    assert len(json.loads(curl(together))["photos"]) == 2
    name = json.loads(curl(save))["id"]
    assert [row["id"] for row in json.loads(curl(listing))["observations"]] == [name]
    tag = ana.get(f"/observations/{name}").headers["ETag"]
    assert json.loads(curl(changes[0], ID=name, ETAG=tag))["species"] == "ara-macao"
    provoked = re.findall(r"((?:.*\\\n)?.*?) +# (\d+) (\w+)\n", errors)
    assert len(provoked) > 10
    for script, status, code in provoked:
        problem = json.loads(curl(script, fail="", ID=name))
        assert (problem["status"], problem["code"]) == (int(status), code), script
    curl(changes[1], ID=name)
    assert ana.get(f"/observations/{name}").status_code == 404
