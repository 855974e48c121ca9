// What is kept about a person: how much it is, taking it along, removing it.

import * as account from "./account.js";
import { store } from "./blobs.js";
import { headersOf } from "./credentials.js";
import { byId, opened } from "./dom.js";
import { day, errorLine, t } from "./language.js";
import * as outbox from "./outbox.js";
import { asProblem, patiently, pause } from "./problem.js";
import * as service from "./service.js";
import * as shelf from "./shelf.js";
import * as training from "./training.js";

let following = false;

/** Show the view. */
export async function show() {
  if (!following) {
    following = true;
    byId("export").addEventListener("click", () => working(download));
    byId("erase").addEventListener("click", () => working(erase));
    account.changed(draw);
    document.addEventListener("language", draw);
  }
  await draw();
}

async function draw() {
  const figures = byId("privacy-figures");
  figures.hidden = account.key() === null;
  byId("export").disabled = byId("erase").disabled = figures.hidden;
  if (figures.hidden) return;
  try {
    const me = await service.me({ headers: await headersOf(account.key()) });
    const count = Object.values(me.observations).reduce((sum, one) => sum + one, 0);
    const allowed = me.training.allowed;
    figures.textContent =
      count > 0 ? t("me.figures", { count, since: day(me.first), allowed }) : t("me.none");
  } catch (error) {
    figures.textContent = errorLine(asProblem(error).code);
  }
}

async function working(action) {
  const buttons = [byId("export"), byId("erase")];
  for (const button of buttons) button.disabled = true;
  try {
    await action();
  } catch (error) {
    say(errorLine(asProblem(error).code));
  }
  for (const button of buttons) button.disabled = false;
}

/** One ZIP after the other: each has a limited size, so that it arrives on a slow phone too. */
async function download() {
  let address = service.EXPORT;
  for (let number = 1; address; number += 1) {
    say(t("me.exporting", { number }));
    const headers = await headersOf(account.key());
    const part = await patiently(() => service.exported(address, { headers }), {});
    store(part.blob, `parrots-${number}.zip`);
    address = part.next;
  }
  say(t("me.exported"));
}

async function erase() {
  const who = account.key();
  if ((await opened(byId("erasing"))) !== "yes") return;
  for (const { id } of await outbox.entries(who)) await outbox.drop(id);
  await outbox.flush(); // what is being sent right now arrives first, and goes too
  let receipt = null;
  while (!receipt) {
    const headers = await headersOf(who);
    const answer = await patiently(() => service.erase({ headers }), {});
    if (answer.receipt) receipt = answer;
    else await pause(1);
  }
  await shelf.forgetAllBut(who, new Set(), "");
  training.forget(who);
  store(new Blob([JSON.stringify(receipt, null, 2)]), "parrots-receipt.json");
  say(t("me.erased", { count: receipt.receipt.observations }));
  await draw();
}

function say(text) {
  byId("privacy-outcome").hidden = false;
  byId("privacy-outcome").textContent = text;
}
