// The list of what was looked at before on this device.

import { headline } from "./answer-view.js";
import { interpret } from "./answer.js";
import { byId, fromTemplate } from "./dom.js";
import { answers, shortDay } from "./language.js";
import * as recent from "./recent.js";

export class History {
  #urls = [];

  /** `open(entry)` shows one as a card again. */
  constructor(open) {
    this.open = open;
    byId("recent-clear").addEventListener("click", () => this.#clear());
  }

  /** Draw everything with an answer that is not a card in this window. */
  async draw() {
    const opened = recent.opened();
    const entries = await recent.entries();
    const rows = entries.filter(({ id, answer }) => answer && !opened.has(id));
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = rows.map(({ photos: [{ file }] }) => URL.createObjectURL(file));
    byId("recent").hidden = rows.length === 0;
    byId("recent-grid").replaceChildren(...rows.map((row, index) => this.#tile(row, index)));
  }

  #tile(entry, index) {
    const tile = fromTemplate("tile");
    const image = tile.querySelector("img");
    image.onload = () => image.classList.add("there");
    image.src = this.#urls[index];
    const words = headline(interpret(entry.answer, answers()));
    tile.querySelector(".name").textContent = words;
    tile.querySelector(".badge").textContent = shortDay(entry.at);
    tile.querySelector("button").addEventListener("click", () => this.open(entry));
    return tile;
  }

  async #clear() {
    const opened = recent.opened();
    for (const { id } of await recent.entries()) if (!opened.has(id)) await recent.forget(id);
    await this.draw();
  }
}
