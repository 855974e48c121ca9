// Puts the page together: language, person, the two views, the outbox and the service worker.

import * as account from "./account.js";
import { byId, styled } from "./dom.js";
import { Identify } from "./identify.js";
import * as language from "./language.js";
import * as outbox from "./outbox.js";
import { kinds as loadKinds, ready } from "./service.js";
import { reachable } from "./transport.js";

const AGAIN_SECONDS = 30;
let kinds;
let birds = null; // loaded when first looked at

async function start() {
  await Promise.all([language.start(), account.start()]);
  language.drawChoice(byId("language"));
  kinds = loadKinds().catch(() => ({ species: [], others: [] }));
  new Identify(kinds, () => go("identify"));
  kinds.then(drawKinds);
  document.addEventListener("language", () => kinds.then(drawKinds));
  byId("account-button").addEventListener("click", () => account.open());
  byId("account-button").disabled = false;
  account.changed(drawReviewer);
  drawReviewer();
  window.addEventListener("hashchange", route);
  route();
  followNetwork();
  document.body.classList.add("ready");
  outbox.flush();
  setInterval(again, AGAIN_SECONDS * 1000); // some networks come back in silence
  // Only with https, or on this very machine: elsewhere the page works without.
  navigator.serviceWorker?.register("/sw.js", { type: "module" }).catch(console.warn);
}

function drawReviewer() {
  byId("review-link").hidden = !account.reviewer();
}

function go(view) {
  const hash = view === "birds" ? "#birds" : "#";
  if ((location.hash || "#") === hash) route();
  else location.hash = hash;
}

function route() {
  if (location.hash === "#account") {
    history.replaceState(null, "", "#");
    account.open();
  }
  const view = ["#birds", "#privacy"].includes(location.hash) ? location.hash.slice(1) : "identify";
  document.body.dataset.view = view;
  for (const name of ["identify", "birds", "privacy"]) byId(name).hidden = name !== view;
  for (const link of document.querySelectorAll("nav.views a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view === "birds") showBirds();
  else birds?.hide();
  if (view === "privacy") import("./privacy.js").then((privacy) => privacy.show());
}

async function showBirds() {
  const [{ Birds }] = await Promise.all([import("./birds.js"), styled("/birds.css")]);
  birds ??= new Birds(kinds);
  if (document.body.dataset.view === "birds") await birds.show();
}

function drawKinds({ species }) {
  const count = species.length;
  byId("knows").hidden = count === 0;
  byId("knows").querySelector("summary").textContent = language.t("intake.knows", { count });
  const named = species.map((row) => [language.nameOf(row), row.id]);
  const items = named.sort(([a], [b]) => a.localeCompare(b)).map(([name, id]) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/kinds/${id}`;
    link.textContent = name;
    item.append(link);
    return item;
  });
  byId("knows").querySelector("ul").replaceChildren(...items);
}

/** A browser believes that it is online behind a captive portal too: what was asked knows better. */
function followNetwork() {
  const draw = () => {
    byId("offline").hidden = navigator.onLine && reachable();
  };
  for (const type of ["offline", "online", "reached"]) window.addEventListener(type, draw);
  window.addEventListener("online", again);
  draw();
}

/** Send what waits; where nothing does, find out whether the service can be reached again. */
function again() {
  if (!reachable()) ready().catch(() => {});
  outbox.flush();
}

start();
