// The list of what was looked at before on this device.

import { headline } from "./answer-view.js";
import { interpret } from "./answer.js";
import { byId, fromTemplate, showBlob } from "./dom.js";
import { answers, shortDay } from "./language.js";
import * as recent from "./recent.js";

export class History {
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
    byId("recent").hidden = rows.length === 0;
    byId("recent-grid").replaceChildren(...rows.map((row) => this.#tile(row)));
  }

  #tile(entry) {
    const tile = fromTemplate("tile");
    const image = tile.querySelector("img");
    image.onload = () => image.classList.add("there");
    showBlob(image, entry.photos[0].file).catch(() => {}); // HEIC, for most browsers
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
