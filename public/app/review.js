// The reviewer's page: a photo, the choices, and what became of the last decision.

import * as account from "./account.js";
import { ahead, show } from "./ahead.js";
import { candidates, matches, modelSays, MOST } from "./candidates.js";
import { Desk } from "./desk.js";
import { byId } from "./dom.js";
import * as language from "./language.js";
import * as outbox from "./outbox.js";
import { drawings, element, table } from "./plate.js";
import { asProblem } from "./problem.js";
import { kinds as loadKinds } from "./service.js";
import { labelName } from "./species-select.js";
import { reachable } from "./transport.js";

const { errorLine, errorWords, t } = language;
const [AGAIN_SECONDS, IDLE_SECONDS, SLOW_SECONDS] = [30, 300, 5];
const [AHEAD, BEHIND] = [5, 2]; // photos in memory
const kinds = new Map(); // what a decision may name, by id
const desk = new Desk(draw);
let looking = null; // the review whose photo is on the screen, or on its way
let shown = false; // whether it is there: before, nothing can be decided

async function start() {
  await Promise.all([language.start(), account.start()]);
  language.drawChoice(byId("language"));
  byId("kinds").append(...Array.from({ length: MOST }, (_, index) => keyed(`${index + 1}`)));
  for (const button of document.querySelectorAll("button[data-key]")) label(button);
  byId("desk").addEventListener("click", ({ target }) => decide(target.closest("button")?.value));
  byId("last").querySelector("button").addEventListener("click", () => desk.undo());
  byId("skip").addEventListener("click", skip);
  query().addEventListener("input", () => draw());
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (query().value.trim()) byId("kinds").querySelector("button:not([hidden])")?.click();
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("language", () => {
    looking = null;
    draw();
  });
  document.addEventListener("visibilitychange", () => again());
  followNetwork();
  setInterval(again, AGAIN_SECONDS * 1000);
  await again();
}

/** What could not be had or sent before; where nothing was left, that is asked for less often. */
async function again() {
  outbox.flush();
  if (document.hidden) return;
  if (kinds.size === 0) await learnKinds().catch(() => {});
  if (desk.state !== "empty" || Date.now() - desk.asked > IDLE_SECONDS * 1000) await desk.fill();
  draw();
}

async function learnKinds() {
  const [{ kinds: all }, { species }] = await Promise.all([table(), loadKinds()]);
  for (const row of species) kinds.set(row.id, row);
  // What has no rank there is only a look-alike of others, which the service does not know.
  for (const [id, row] of Object.entries(all)) if (row.rank) kinds.set(id, { ...row, id });
}

function followNetwork() {
  const tell = () => {
    byId("offline").hidden = navigator.onLine && reachable();
  };
  for (const type of ["offline", "online", "reached"]) window.addEventListener(type, tell);
  window.addEventListener("online", again);
  tell();
}

function decide(species) {
  if (!species || !shown || looking !== desk.rows[0]) return;
  query().value = "";
  query().blur();
  desk.decide(species);
}

/** One whose photo does not come can be skipped too. */
function skip() {
  if (!desk.rows[0]) return;
  query().value = "";
  desk.skip();
}

/** Keys are those of the buttons, by letter or, in other alphabets, by where they are. */
function pressed(event) {
  const { target, key, code } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target === query() && key === "Escape") {
    query().value = "";
    query().blur();
    draw();
  }
  if (target.closest("input, select")) return;
  const name = /^[a-z\d/]$/i.test(key) ? key : code.replace(/^(Key|Digit|Numpad)/, "");
  const button = document.querySelector(`[data-key="${CSS.escape(name.toLowerCase())}"]`);
  const held = event.repeat && target.closest("button"); // one press is one decision
  if (name !== "/" && !button && !held) return;
  event.preventDefault();
  if (name === "/") query().focus();
  else if (!event.repeat) button?.click();
}

function draw(decision = desk.past.at(-1)) {
  const { state, rows, past, waiting } = desk;
  const [row] = rows;
  document.body.dataset.state = state;
  document.title = `${t("review.title")} - ${t("title")}`;
  byId("waiting").textContent = row ? t("review.waiting", { count: Math.max(waiting, rows.length) }) : "";
  if (row) drawOffers(row);
  else drawMessage(state);
  drawLast(decision);
  look(row);
  const behind = past.slice(-BEHIND).map((one) => one.row);
  ahead([...rows.slice(0, AHEAD), ...behind.reverse(), ...(row?.similar ?? [])]);
}

function drawOffers(row) {
  const wanted = query().value.trim();
  const ids = wanted ? matches(wanted, kinds) : candidates(row, kinds);
  byId("none").hidden = ids.length > 0;
  byId("skip").querySelector(".name").textContent = t("review.skip");
  for (const [index, button] of [...byId("kinds").children].entries()) {
    const [plate] = kinds.get(ids[index])?.plates ?? [];
    button.hidden = !ids[index];
    button.value = ids[index] ?? "";
    button.querySelector(".drawings").replaceWith(drawings({ plates: plate ? [plate] : [] }));
  }
  for (const button of document.querySelectorAll(".offers button")) {
    const owner = row.label?.species === button.value && t("review.owner");
    const model = modelSays(row).includes(button.value) && t("review.model");
    button.querySelector(".name").textContent = name(button.value);
    button.querySelector("small").textContent = [owner, model].filter(Boolean).join(" · ");
    button.setAttribute("aria-pressed", String(row.said === button.value));
  }
}

function drawMessage(state) {
  const { code } = desk.problem ?? {};
  const skipped = desk.skipped.size;
  const account = ["forbidden", "unauthenticated"].includes(code);
  const problems = {
    forbidden: () => t("review.forbidden"),
    unauthenticated: () => t("review.signin"),
    offline: () => t("review.away"),
    stalled: () => t("review.away"),
  };
  const messages = {
    loading: () => t("birds.loading"),
    empty: () => t("review.empty", { count: Math.max(0, desk.waiting - skipped), skipped }),
    problem: problems[code] ?? (() => errorWords(code).join("\n")),
  };
  const [title, words = ""] = messages[state]().split("\n");
  byId("message").querySelector("h2").textContent = title;
  byId("message").querySelector("p").textContent = words;
  byId("message").querySelector("a").hidden = !account || state !== "problem";
}

function drawLast(decision) {
  byId("last").hidden = !decision;
  byId("last").querySelector("button").hidden = !desk.undoable;
  byId("last").querySelector(".name").textContent = t("bird.undo");
  if (!decision) return;
  const { species, state, outcome } = decision;
  const count = desk.past.filter((one) => one.state === "kept").length;
  const words = {
    sending: () => t("review.sending"),
    kept: () => t("review.kept", { count }),
    settled: () => (outcome === species ? t("review.settled") : t("review.settled.as", { name: name(outcome) })),
    noted: () => t("review.noted"),
    conflict: () => t("review.late"),
    not_found: () => t("review.gone"),
    skipped: () => t("review.skipped"),
    forbidden: () => t("review.refused"),
  };
  const told = (words[state] ?? (() => t("review.unsent", { problem: errorLine(state) })))();
  byId("last").dataset.state = state;
  byId("last").querySelector("p").replaceChildren(element("b", "", name(species)), ` ${told}`);
}

/** Show a review's photo, or why it is not there. */
async function look(row) {
  if (looking === row) return;
  [looking, shown] = [row, false];
  const [image, late] = [byId("photo"), byId("late")];
  image.hidden = byId("similar").hidden = true;
  if (!row) return;
  late.textContent = t("review.photo.loading");
  const slow = setTimeout(() => {
    if (looking === row) late.textContent = t("review.photo.slow");
  }, SLOW_SECONDS * 1000);
  try {
    await show(image, row, () => looking === row);
    if (looking !== row) return;
    [image.hidden, image.alt, late.textContent, shown] = [false, t("review.photo"), "", true];
    drawSimilar(row.similar ?? []);
  } catch (error) {
    if (looking !== row) return;
    looking = null; // to be tried again
    if (asProblem(error).code === "not_found") desk.drop();
    else late.textContent = t("review.photo.failed");
  } finally {
    clearTimeout(slow);
  }
}

/** Settled photos that look like it, and what they were settled as. */
function drawSimilar(similar) {
  const items = similar.map((one) => {
    const [image, item] = [element("img"), element("li")];
    image.alt = "";
    show(image, one).catch(() => item.remove());
    item.append(image, name(one.species));
    return item;
  });
  byId("similar").hidden = items.length === 0;
  byId("similar").querySelector("ul").replaceChildren(...items);
}

function name(id) {
  return id ? labelName({ species: id }, { species: [...kinds.values()] }) : "";
}

function query() {
  return byId("search").querySelector("input");
}

function keyed(key) {
  const button = element("button");
  Object.assign(button, { type: "button" }).dataset.key = key;
  return button;
}

function label(button) {
  const { key } = button.dataset;
  const sign = element("kbd", "", key.toUpperCase());
  sign.setAttribute("aria-hidden", "true");
  button.setAttribute("aria-keyshortcuts", key);
  const words = element("span", "", element("span", "name"), element("small"));
  button.append(sign, element("span", "drawings"), words);
}

start();
