// The list of what was looked at before on this device.

import { headline } from "./answer-view.js";
import { interpret } from "./answer.js";
import { showBlob } from "./blobs.js";
import { byId, fromTemplate } from "./dom.js";
import { answers, shortDay } from "./language.js";
import * as recent from "./recent.js";

export class History {
  #tiles = new Map(); // entry id -> element: one that stays does not load its picture again

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
    this.#tiles = new Map(rows.map((row) => [row.id, this.#tiles.get(row.id) ?? this.#tile(row)]));
    for (const { id, answer, at } of rows) {
      const tile = this.#tiles.get(id);
      tile.querySelector(".name").textContent = headline(interpret(answer, answers()));
      tile.querySelector(".badge").textContent = shortDay(at);
    }
    byId("recent").hidden = rows.length === 0;
    byId("recent-grid").replaceChildren(...this.#tiles.values());
  }

  #tile(entry) {
    const tile = fromTemplate("tile");
    const image = tile.querySelector("img");
    image.onload = () => image.classList.add("there");
    showBlob(image, entry.photos[0].file).catch(() => {}); // HEIC, for most browsers
    tile.querySelector("button").addEventListener("click", () => this.open(entry));
    return tile;
  }

  async #clear() {
    const opened = recent.opened();
    for (const { id } of await recent.entries()) if (!opened.has(id)) await recent.forget(id);
    await this.draw();
  }
}
