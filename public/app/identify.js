// Identifying: photos come in, each gets a card, and the cards ask the service a few at a time.

import { Card } from "./card.js";
import { byId } from "./dom.js";
import { t } from "./language.js";
import { MOST_PHOTOS } from "./service.js";

const AT_ONCE = 2;
const IMAGE_NAME = /\.(jpe?g|png|webp|hei[cf]|avif)$/i;

/** The view; `kinds` is a promise of what a photo can be saved as. */
export class Identify {
  #cards = new Set();
  #queue = [];
  #running = 0;
  #mergeable = [];

  constructor(kinds, show) {
    this.show = show;
    this.context = {
      kinds,
      enqueue: (card) => this.#enqueue(card),
      removed: (card) => this.#removed(card),
    };
    for (const input of document.querySelectorAll("input.photos")) {
      input.addEventListener("change", () => {
        this.#add(input.files);
        input.value = ""; // so that the same photo can be chosen again
      });
    }
    document.addEventListener("paste", (event) => this.#add(images(event.clipboardData)));
    this.#listenForDrops();
    byId("merge-yes").addEventListener("click", () => this.#merge());
    byId("merge-no").addEventListener("click", () => this.#offerMerge([]));
    document.addEventListener("language", () => this.#drawAll());
    window.addEventListener("online", () => {
      for (const card of this.#cards) if (card.offline) card.ask();
    });
  }

  /** Cards for all files, the newest choice on top. */
  #add(files) {
    const fresh = [...files].map((file) => new Card(file, this.context));
    if (fresh.length === 0) return;
    this.show();
    byId("cards").prepend(...fresh.map((card) => card.element));
    document.body.classList.add("busy");
    for (const card of fresh) {
      this.#cards.add(card);
      card.ask();
    }
    this.#offerMerge(fresh.length > 1 && fresh.length <= MOST_PHOTOS ? fresh : []);
    window.scrollTo(0, 0);
  }

  #offerMerge(cards) {
    this.#mergeable = cards;
    byId("merge").hidden = cards.length === 0;
    byId("merge").querySelector("p").textContent = t("intake.merge", { count: cards.length });
  }

  #merge() {
    const [first, ...others] = this.#mergeable;
    const files = others.flatMap((card) => card.files);
    for (const card of others) card.remove();
    this.#offerMerge([]);
    first.add(...files);
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
    if (this.#cards.size === 0) document.body.classList.remove("busy");
    // The focused button is gone with its card; leave the keyboard somewhere sensible.
    (byId("cards").querySelector(".card") ?? byId("intake")).focus({ preventScroll: true });
  }

  #drawAll() {
    for (const card of this.#cards) card.draw();
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
