// One square of My birds: a saved observation, or an entry that waits to be sent.

import * as account from "./account.js";
import { showBlob } from "./blobs.js";
import { drawBlurHash } from "./blurhash.js";
import { fromTemplate } from "./dom.js";
import { t } from "./language.js";
import * as shelf from "./shelf.js";
import { labelName } from "./species-select.js";

const QUIET = new Set(["ready"]); // needs no badge

export class Tile {
  #picture = null;
  #state = "queued";
  #seen;

  constructor({ observation = null, entry = null }, kinds, open) {
    this.observation = observation;
    this.entry = entry;
    if (entry?.problem) this.#state = "failed";
    this.element = fromTemplate("tile");
    this.element.querySelector("button").addEventListener("click", open);
    this.draw(kinds);
    this.#seen = new IntersectionObserver(([seen]) => seen.isIntersecting && this.#load(), {
      rootMargin: "400px",
    });
    this.#seen.observe(this.element);
  }

  get state() {
    return this.observation?.status ?? this.#state;
  }

  get pending() {
    return this.state === "pending";
  }

  /** When the bird was there, as far as anybody knows. */
  get when() {
    const { sighting, created } = this.observation ?? {};
    const known = sighting?.taken ?? this.entry?.taken;
    return Date.parse(known || created) || this.entry.added;
  }

  /** Id of what it was saved as. */
  get species() {
    return (this.observation ?? this.entry).species;
  }

  /** What it is called. */
  name(kinds) {
    if (this.observation) return observationName(this.observation, kinds);
    return this.entry.text || labelName(this.entry, kinds);
  }

  /** Its picture as a blob, as far as it is there. */
  get picture() {
    return this.#picture;
  }

  update(observation, kinds) {
    this.observation = observation;
    this.draw(kinds);
    this.#seen.unobserve(this.element);
    this.#seen.observe(this.element);
  }

  sending(part) {
    this.#badge("sending", t("card.sending", { percent: Math.round(part * 100) }));
  }

  waiting() {
    this.#badge("queued");
  }

  failed(problem) {
    this.entry.problem = problem;
    this.#badge("failed");
  }

  draw(kinds) {
    this.element.querySelector(".name").textContent = this.name(kinds);
    this.element.querySelector("img").alt = "";
    this.#badge(this.state);
    const { blurhash } = this.observation ?? {};
    const canvas = this.element.querySelector("canvas");
    canvas.hidden = !blurhash;
    if (blurhash && !this.#picture) drawBlurHash(canvas, blurhash);
  }

  close() {
    this.#seen.disconnect();
    this.element.remove();
  }

  #badge(state, text = t(`status.${state}`)) {
    if (!this.observation) this.#state = state;
    this.element.dataset.state = state;
    const badge = this.element.querySelector(".badge");
    badge.hidden = QUIET.has(state);
    badge.textContent = text;
  }

  async #load() {
    if (this.#picture) return;
    const blob = this.entry ? this.entry.photo : await this.#thumbnail();
    if (!blob || this.#picture) return;
    this.#picture = blob;
    const image = this.element.querySelector("img");
    image.onload = () => image.classList.add("there");
    showBlob(image, blob).catch(() => {}); // this browser cannot: the blurred one stays
  }

  async #thumbnail() {
    try {
      return await shelf.thumbnail(account.key(), this.observation);
    } catch {
      return null; // offline: the blurred one stays
    }
  }
}

/** What an observation is called: its newest label. */
export function observationName({ species, labels }, kinds) {
  return labelName(labels?.at(-1) ?? { species }, kinds);
}
