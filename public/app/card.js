// One bird: its photos, what is going on with them, and the answer.

import * as account from "./account.js";
import { drawAnswer, headline } from "./answer-view.js";
import { interpret, oneKind } from "./answer.js";
import { headersOf } from "./credentials.js";
import { announce, fromTemplate } from "./dom.js";
import { drawEach, drawThumb } from "./each.js";
import { Keep } from "./keep.js";
import { answers, errorWords, fill, t } from "./language.js";
import { Picture } from "./picture.js";
import { asProblem, patiently, Problem } from "./problem.js";
import * as recent from "./recent.js";
import { classify, MOST_PHOTOS } from "./service.js";
import { share } from "./share.js";
import { toast } from "./toast.js";

/** Builds the element and runs the requests. */
export class Card {
  #pictures = [];
  #shown = 0;
  #at;
  #answer;
  #abort = null;
  #keep;
  #problem = null;
  #status = ["card.waiting", {}];

  /** Of an entry (see recent.js); `context`: `kinds` (a promise), `enqueue(card)`, `removed(card)`. */
  constructor({ id, at, photos, answer = null }, context) {
    this.context = context;
    this.id = id;
    this.#at = at;
    this.#answer = answer;
    this.element = fromTemplate("card");
    this.#keep = new Keep(this.#part("keep"), context.kinds, () => this.#pictures);
    this.#on("remove", () => this.remove());
    this.#on("cancel", () => this.#cancel());
    this.#on("retry", () => this.ask());
    this.#on("zoom", () => this.#zoom());
    this.#on("share", () => this.#share());
    this.#part("add").querySelector("input").addEventListener("change", ({ target }) => {
      this.add(...[...target.files].map((file) => ({ file })));
      target.value = "";
    });
    this.#take(photos);
  }

  get state() {
    return this.element.dataset.state;
  }

  get photos() {
    return this.#pictures.map(({ file, area }) => ({ file, area }));
  }

  /** What is remembered of it: see recent.js. */
  get entry() {
    return { id: this.id, at: this.#at, photos: this.photos, answer: this.#answer };
  }

  /** Whether it can be asked again now that there is a network. */
  get offline() {
    return this.state === "failed" && this.#problem.code === "offline";
  }

  /** More photos of the same bird; asks again. */
  add(...photos) {
    if (photos.length === 0) return;
    const room = MOST_PHOTOS - this.#pictures.length;
    this.#take(photos.slice(0, room));
    this.ask();
    if (photos.length > room) toast(errorWords("photos")[1].replace("{most}", MOST_PHOTOS));
  }

  /** Show what was answered before, or ask. */
  async begin() {
    await Promise.all(this.#pictures.map((picture) => picture.frame()));
    this.#drawPhotos();
    if (!this.#answer) this.ask();
    else await this.#answered();
  }

  /** Ask as soon as it is this card's turn. */
  ask() {
    this.#abort?.abort();
    this.#abort = null;
    this.#answer = null;
    recent.keep(this.entry);
    this.#go("waiting", "card.waiting");
    this.context.enqueue(this);
  }

  /** Ask the service; resolves when there is an answer or a problem. */
  async run() {
    if (this.state !== "waiting") return; // cancelled or removed meanwhile
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    try {
      this.#go("sending", "card.preparing");
      const photos = await Promise.all(this.#pictures.map((picture) => picture.forModel()));
      const headers = await headersOf(account.key());
      const answer = await patiently(
        () => classify(photos, { headers, signal, progress: (part) => this.#sent(part) }),
        { signal, waiting: (seconds) => this.#go("sending", "card.again", { seconds }) },
      );
      if (signal.aborted) return;
      this.#answer = answer;
      recent.keep(this.entry);
      await this.#answered();
      announce(this.#part("headline").textContent);
    } catch (error) {
      if (this.#abort === abort) this.#failed(asProblem(error));
    }
  }

  /** Everything that has words, in the page's language. */
  async draw() {
    fill(this.element);
    this.#drawPhotos();
    if (this.state === "failed") this.#failed(this.#problem);
    else if (this.#answer && this.state !== "waiting") await this.#drawAnswer();
    else this.#go(this.state, ...this.#status);
  }

  /** Take it off the page; an answer stays in the list of what was looked at before. */
  remove() {
    if (!this.#answer) recent.forget(this.id);
    this.element.dataset.state = "removed";
    this.#abort?.abort();
    this.#keep.close();
    for (const picture of this.#pictures) picture.close();
    this.element.remove();
    this.context.removed(this);
  }

  async #answered() {
    this.#showSurest();
    await this.draw();
  }

  async #drawAnswer() {
    const kinds = await this.context.kinds;
    const meaning = interpret(this.#answer, answers());
    const { model, photo, photos = [], taxon } = this.#answer;
    drawAnswer(this.#part("result"), meaning, kinds.species.length, taxon);
    this.#pictures.forEach((picture, position) => {
      picture.odd = meaning.odd.includes(position);
    });
    drawEach(this.#part("each"), photos, this.#pictures);
    this.#part("small").textContent =
      photos.length > 1 ? t("card.small.several", model) : t("card.small", { ...photo, ...model });
    this.#part("intro").hidden = !meaning.state.startsWith("no.");
    await this.#keep.draw(meaning.named, oneKind(meaning)?.id ?? null);
    this.element.dataset.state = "answered";
    this.#part("preview").alt = t("card.photo.of", { name: headline(meaning) });
  }

  /** Of several photos the one that shows the joint answer best. */
  #showSurest() {
    const { photo, photos = [] } = this.#answer;
    const index = photos.findIndex((one) => one.photo.sha256 === photo.sha256);
    if (index >= 0) this.#shown = index;
  }

  #take(photos) {
    this.#pictures.push(...photos.map((photo) => new Picture(photo)));
    this.#shown = this.#pictures.length - 1;
    this.#drawPhotos();
  }

  async #drawPhotos() {
    const picture = this.#pictures[this.#shown];
    const preview = this.#part("preview");
    preview.src = picture.preview;
    preview.alt = t("card.photo");
    this.#part("add").hidden = this.#pictures.length >= MOST_PHOTOS;
    const strip = this.#part("strip");
    strip.hidden = this.#pictures.length < 2;
    strip.replaceChildren(...this.#pictures.map((one, index) => this.#thumb(one, index)));
    const readable = await picture.open();
    preview.hidden = !readable;
    this.#part("no-preview").hidden = readable;
    this.#part("zoom").hidden = !readable;
  }

  #thumb(picture, index) {
    const thumb = fromTemplate("thumb");
    const number = index + 1;
    const [show, remove] = thumb.querySelectorAll("button");
    show.setAttribute("aria-label", t("card.photo.show", { number }));
    show.setAttribute("aria-pressed", String(index === this.#shown));
    drawThumb(show, picture, index);
    show.addEventListener("click", () => {
      this.#shown = index;
      this.#drawPhotos();
    });
    remove.setAttribute("aria-label", t("card.photo.remove", { number }));
    remove.addEventListener("click", () => {
      this.#pictures.splice(index, 1)[0].close();
      this.#shown = 0;
      this.#drawPhotos();
      this.ask();
    });
    return thumb;
  }

  async #zoom() {
    const picture = this.#pictures[this.#shown];
    const { crop } = await import("./crop.js");
    const { photo, photos = [] } = this.#answer ?? {};
    const area = await crop(picture, (photos[this.#shown]?.photo ?? photo)?.focus);
    if (area === undefined) return;
    await picture.cut(area);
    this.#drawPhotos();
    this.ask();
  }

  async #share() {
    const readable = await this.#pictures[this.#shown].open();
    const kind = oneKind(interpret(this.#answer, answers()));
    await share({
      image: readable ? this.#part("preview") : null,
      headline: this.#part("headline").textContent,
      latin: this.#part("latin").textContent,
      url: new URL(kind ? `/kinds/${kind.id}` : "/", location.href).href,
    });
  }

  #sent(part) {
    const percent = Math.round(part * 100);
    this.#go("sending", ...(part < 1 ? ["card.sending", { percent }] : ["card.looking", {}]));
    const bar = this.#part("bar");
    if (part < 1) bar.value = part;
    else bar.removeAttribute("value");
  }

  #cancel() {
    this.#abort?.abort();
    this.#abort = null;
    this.#failed(new Problem("cancelled"));
  }

  #failed(problem) {
    if (this.state === "removed") return;
    if (!problem.open) recent.forget(this.id);
    this.element.dataset.state = "failed";
    this.#problem = problem;
    const [words, detail] = errorWords(problem.code);
    const number = problem.photo;
    const title = number ? t("card.problem", { number, problem: words }) : words;
    this.#part("problem-title").textContent = title;
    this.#part("problem-detail").textContent = detail;
    this.#part("retry").hidden = !problem.open;
    announce(`${title}. ${detail}`);
  }

  #go(state, key, values = {}) {
    this.element.dataset.state = state;
    this.#status = [key, values];
    this.#part("status").textContent = t(key, values);
    if (key !== "card.sending") this.#part("bar").removeAttribute("value");
  }

  #on(name, action) {
    this.#part(name).addEventListener("click", action);
  }

  #part(name) {
    return this.element.querySelector(`.${name}`);
  }
}
