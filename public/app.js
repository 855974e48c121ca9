// Photos come in, each gets a card, and the cards ask the service a few at a time.

import { Card } from "./card.js";
import { allSpecies } from "./service.js";

const AT_ONCE = 2; // requests; the rest of a large choice waits its turn
const NAME = /^[A-Za-z0-9_-]{0,64}$/;
const IMAGE_NAME = /\.(jpe?g|png|webp|hei[cf]|avif)$/i;

const byId = (id) => document.getElementById(id);
const cards = new Set();
const queue = [];
let running = 0;

const context = {
  species: undefined,
  name: () => (NAME.test(byId("name").value) && !byId("person").hidden ? byId("name").value : ""),
  language: () => document.querySelector("#language input:checked").value,
  say: (text) => {
    byId("news").textContent = text;
  },
  enqueue,
  removed,
};

/** Cards for all files, the newest choice on top. */
function add(files) {
  const fresh = [...files].map((file) => new Card(file, context));
  if (fresh.length === 0) return;
  byId("cards").prepend(...fresh.map((card) => card.element));
  document.body.classList.add("busy");
  for (const card of fresh) {
    cards.add(card);
    enqueue(card);
  }
  fresh[0].element.scrollIntoView({ block: "nearest" });
}

function enqueue(card) {
  card.wait();
  queue.push(card);
  next();
}

async function next() {
  if (running >= AT_ONCE || queue.length === 0) return;
  running += 1;
  try {
    await queue.shift().run();
  } finally {
    running -= 1;
    next();
  }
}

function removed(card) {
  cards.delete(card);
  const waits = queue.indexOf(card);
  if (waits >= 0) queue.splice(waits, 1);
  if (cards.size === 0) document.body.classList.remove("busy");
  // The focused button is gone with its card; leave the keyboard somewhere sensible.
  (byId("cards").querySelector(".card") ?? byId("intake")).focus({ preventScroll: true });
}

function listenForPhotos() {
  for (const input of [byId("files"), byId("camera")]) {
    input.addEventListener("change", () => {
      add(input.files);
      input.value = ""; // so that the same photo can be chosen again
    });
  }
  document.addEventListener("paste", (event) => add(images(event.clipboardData)));
  let depth = 0;
  const dragging = (change) => {
    depth = change === 0 ? 0 : depth + change;
    byId("dropping").classList.toggle("shown", depth > 0);
  };
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => carriesFiles(event) && dragging(1));
  document.addEventListener("dragleave", (event) => carriesFiles(event) && dragging(-1));
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    dragging(0);
    add(event.dataTransfer.files);
  });
  window.addEventListener("online", () => {
    for (const card of cards) if (card.offline) enqueue(card);
  });
}

function images(clipboard) {
  const files = [...(clipboard?.files ?? [])];
  return files.filter((file) => file.type.startsWith("image/") || IMAGE_NAME.test(file.name));
}

function rememberPerson() {
  const name = byId("name");
  // A local name is no login elsewhere: deployed, the page is served over https.
  byId("person").hidden = location.protocol !== "http:";
  name.value = remembered("name") ?? "";
  name.addEventListener("input", () => {
    const fits = NAME.test(name.value);
    name.setAttribute("aria-invalid", String(!fits));
    byId("name-hint").textContent = fits
      ? "Saves go to this name; empty means without a login."
      : "Letters, digits, _ and - only; until then, saves go without a login.";
    if (fits) remember("name", name.value);
  });
  for (const radio of document.querySelectorAll("#language input")) {
    radio.checked = radio.value === (remembered("language") ?? "en");
    radio.addEventListener("change", () => {
      remember("language", radio.value);
      for (const card of cards) card.render();
    });
  }
}

// Private windows may refuse storage; the page works without.
function remembered(key) {
  try {
    return localStorage.getItem(`parrot.${key}`);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`parrot.${key}`, value);
  } catch {
    // See above.
  }
}

context.species = allSpecies().catch(() => []);
rememberPerson();
listenForPhotos();
