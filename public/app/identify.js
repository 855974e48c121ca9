// Identifying: photos come in, each gets a card, and the cards ask the service a few at a time.

import { byId, newId, styled } from "./dom.js";
import { errorWords, learnAnswers, t } from "./language.js";
import * as recent from "./recent.js";
import { MOST_PHOTOS } from "./service.js";
import { toast } from "./toast.js";

const STYLE = "/birds.css";
const AT_ONCE = 2;
const AGAIN_SECONDS = 30;
const IMAGE_NAME = /\.(jpe?g|png|webp|hei[cf]|avif)$/i;

/** The view; `kinds` is a promise of what a photo can be saved as. */
export class Identify {
  #cards = new Set();
  #queue = [];
  #running = 0;
  #mergeable = [];
  #history = null;

  constructor(kinds, show) {
    this.show = show;
    this.context = {
      kinds,
      enqueue: (card) => this.#enqueue(card),
      removed: (card) => this.#removed(card),
    };
    for (const input of document.querySelectorAll("input.photos")) {
      input.addEventListener("change", () => this.#chosen(input));
    }
    document.addEventListener("paste", (event) => this.#add(images(event.clipboardData)));
    this.#listenForDrops();
    byId("merge-yes").addEventListener("click", () => this.#merge());
    byId("merge-no").addEventListener("click", () => this.#offerMerge([]));
    document.addEventListener("language", () => this.#drawAll());
    window.addEventListener("online", () => this.#again());
    setInterval(() => this.#again(), AGAIN_SECONDS * 1000); // some networks come back in silence
    this.#start();
  }

  /** What was chosen already, what was here before the page was loaded again, what has no answer. */
  async #start() {
    const [before, entries] = [recent.opened(), recent.entries()];
    for (const input of document.querySelectorAll("input.photos")) this.#chosen(input);
    const kept = await entries;
    const open = kept.filter(({ id, answer }) => !answer || before.has(id));
    if (open.length > 0) await this.#put(open);
    else if (kept.length > 0) await this.#drawHistory();
  }

  #chosen(input) {
    this.#add(input.files);
    input.value = ""; // so that the same photo can be chosen again
  }

  async #add(files) {
    const at = Date.now();
    const entries = [...files].map((file) => ({ id: newId(), at, photos: [{ file }] }));
    if (entries.length === 0) return;
    const fresh = await this.#open(entries);
    this.#offerMerge(fresh.length > 1 && fresh.length <= MOST_PHOTOS ? fresh : []);
  }

  async #open(entries) {
    this.show();
    window.scrollTo(0, 0);
    try {
      return await this.#put(entries);
    } catch {
      for (const entry of entries) await recent.keep(entry);
      toast(errorWords("offline")[1]); // the cards themselves are not here yet
      return [];
    }
  }

  /** Cards for all entries, above those that are there. The first one asks for what draws them. */
  async #put(entries) {
    const [{ Card }] = await Promise.all([import("./card.js"), learnAnswers(), styled(STYLE)]);
    const fresh = entries.map((entry) => new Card(entry, this.context));
    byId("cards").prepend(...fresh.map((card) => card.element));
    document.body.classList.toggle("busy", this.#cards.size + fresh.length > 0);
    for (const card of fresh) {
      this.#cards.add(card);
      card.begin();
    }
    this.#remember();
    return fresh;
  }

  async #remember() {
    recent.setOpened([...this.#cards].map((card) => card.id));
    const answered = (await recent.entries()).some(({ answer }) => answer);
    if (answered || !byId("recent").hidden) await this.#drawHistory();
  }

  async #drawHistory() {
    const parts = [import("./history.js"), learnAnswers(), styled(STYLE)];
    const [{ History }] = await Promise.all(parts);
    this.#history ??= new History((entry) => this.#open([entry]));
    await this.#history.draw();
  }

  #again() {
    for (const card of this.#cards) if (card.offline) card.ask();
  }

  #offerMerge(cards) {
    this.#mergeable = cards;
    byId("merge").hidden = cards.length === 0;
    byId("merge").querySelector("p").textContent = t("intake.merge", { count: cards.length });
  }

  #merge() {
    const [first, ...others] = this.#mergeable;
    const photos = others.flatMap((card) => card.photos);
    for (const card of others) {
      card.remove();
      recent.forget(card.id);
    }
    this.#offerMerge([]);
    first.add(...photos);
  }

  #enqueue(card) {
    if (!this.#queue.includes(card)) this.#queue.push(card);
    this.#next();
  }

  async #next() {
    if (this.#running >= AT_ONCE || this.#queue.length === 0) return;
    this.#running += 1;
    try {
      await this.#queue.shift().run();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #removed(card) {
    this.#cards.delete(card);
    this.#queue = this.#queue.filter((other) => other !== card);
    if (this.#mergeable.includes(card)) this.#offerMerge([]);
    this.#remember();
    if (this.#cards.size === 0) document.body.classList.remove("busy");
    // The focused button is gone with its card; leave the keyboard somewhere sensible.
    (byId("cards").querySelector(".card") ?? byId("intake")).focus({ preventScroll: true });
  }

  #drawAll() {
    for (const card of this.#cards) card.draw();
    if (this.#history) this.#drawHistory();
    this.#offerMerge(this.#mergeable);
  }

  #listenForDrops() {
    let depth = 0;
    const dragging = (change) => {
      depth = change === 0 ? 0 : depth + change;
      byId("dropping").classList.toggle("shown", depth > 0);
    };
    const on = (type, action) =>
      document.addEventListener(type, (event) => {
        if (event.dataTransfer?.types.includes("Files")) action(event);
      });
    on("dragenter", () => dragging(1));
    on("dragleave", () => dragging(-1));
    on("dragover", (event) => event.preventDefault());
    on("drop", (event) => {
      event.preventDefault();
      dragging(0);
      this.#add(event.dataTransfer.files);
    });
  }
}

function images(clipboard) {
  const files = [...(clipboard?.files ?? [])];
  return files.filter((file) => file.type.startsWith("image/") || IMAGE_NAME.test(file.name));
}
