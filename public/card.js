// One photo's card: its preview, what is going on, the verdict, and saving it.

import { Cancelled, classify, Problem, save } from "./service.js";
import { citesMeaning, percent, size, speciesSet, timings, verdict } from "./words.js";

const HEIC = /\.hei[cf]$/i;
const SUGGESTED = 3; // species that stand first in the select
const AT_LEAST = 3; // species that are shown, however unlikely
const WORTH_A_ROW = 0.01;

const byId = (id) => document.getElementById(id);

/** Builds the card's element and runs its requests. */
export class Card {
  #answer = null;
  #abort = null;
  #countdown = null;
  #url;

  /**
   * `context` has `species` (a promise of the list), `name()` and `language()` of the person,
   * `say(text)` for screen readers, `enqueue(card)` and `removed(card)`.
   */
  constructor(file, context) {
    this.file = file;
    this.offline = false;
    this.context = context;
    this.element = byId("card").content.firstElementChild.cloneNode(true);
    this.#url = URL.createObjectURL(file);
    this.#prepare();
  }

  /** Waiting for its turn. */
  wait() {
    this.offline = false;
    this.#show("waiting", "Waiting for its turn");
    this.element.dataset.state = "waiting";
  }

  /** Ask the service; resolves when there is an answer, a problem or a cancellation. */
  async run() {
    if (this.element.dataset.state !== "waiting") return; // cancelled or removed meanwhile
    this.element.dataset.state = "sending";
    this.#show("waiting", `Looking at ${size(this.file.size)}`);
    this.#abort = new AbortController();
    try {
      this.#answer = await classify(this.file, this.#abort.signal);
      this.element.dataset.state = "answered";
      this.render();
      this.context.say(`${this.file.name}: ${this.#summary()}`);
    } catch (error) {
      this.element.dataset.state = "failed";
      this.#failed(error);
    }
  }

  /** Draw the answer in the person's language; keeps what is chosen and saved. */
  async render() {
    if (!this.#answer) return;
    const { parrot, species, set, model, photo, timing } = this.#answer;
    const said = verdict(parrot);
    const result = this.#part("result");
    result.dataset.parrot = parrot.is_parrot ? "yes" : "no";
    this.#part("verdict-title").textContent = said.title;
    this.#part("verdict-words").textContent = said.words;
    this.#part("ranking").hidden = species.length === 0;
    const words = this.#part("set-words");
    words.hidden = !set;
    if (set) words.textContent = speciesSet(set);
    const likely = new Set(set ? set.species : species.slice(0, 1).map((score) => score.id));
    const rows = species
      .filter((one, rank) => rank < AT_LEAST || one.probability >= WORTH_A_ROW || likely.has(one.id))
      .map((one) => this.#row(one, likely.has(one.id)));
    this.#part("species").replaceChildren(...rows);
    this.#part("preview").alt = `${this.file.name}: ${this.#summary()}`;
    const intro = this.#part("keep-intro");
    intro.hidden = parrot.is_parrot;
    intro.textContent = "Is it one after all? Save it as what it is, and the next model may know.";
    this.#part("small-print").textContent = smallPrint(model, photo, timing);
    await this.#fillSelect(species, parrot.is_parrot && !set?.unknown);
    this.#show("result");
  }

  /** Forget the photo and whatever is going on with it. */
  remove() {
    this.element.dataset.state = "removed";
    this.#abort?.abort();
    clearInterval(this.#countdown);
    URL.revokeObjectURL(this.#url);
    this.element.remove();
    this.context.removed(this);
  }

  #prepare() {
    const { name } = this.file;
    this.#part("file-name").textContent = name;
    this.#part("file-name").title = name;
    this.#part("remove").setAttribute("aria-label", `Remove ${name}`);
    this.#part("remove").addEventListener("click", () => this.remove());
    this.#part("cancel").addEventListener("click", () => this.#cancel());
    const preview = this.#part("preview");
    preview.alt = name;
    preview.addEventListener("error", () => {
      preview.hidden = true;
      const instead = this.#part("no-preview");
      instead.hidden = false;
      instead.querySelector("p").textContent = HEIC.test(name)
        ? "This browser cannot show HEIC photos. The service can read them all the same."
        : "This browser cannot show this file.";
    });
    preview.src = this.#url;
    const select = this.element.querySelector("select");
    select.id = `species-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.#part("save-label").htmlFor = select.id;
    select.addEventListener("change", () => {
      this.#part("saved").hidden = true;
      this.#part("save-problem").hidden = true;
      this.#saveButton().disabled = false;
    });
    this.#part("save").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  #cancel() {
    const waited = this.element.dataset.state === "waiting";
    this.#abort?.abort();
    if (waited) {
      this.element.dataset.state = "failed";
      this.#failed(new Cancelled());
    }
  }

  async #save() {
    const select = this.element.querySelector("select");
    const button = this.#saveButton();
    if (button.disabled) return;
    if (!select.value) {
      select.focus();
      return;
    }
    const chosen = select.selectedOptions[0].textContent;
    button.disabled = select.disabled = true;
    button.textContent = "Saving";
    this.#part("saved").hidden = true;
    this.#part("save-problem").hidden = true;
    this.#abort = new AbortController();
    try {
      const { created } = await save(
        this.file,
        select.value,
        this.context.name(),
        this.#abort.signal,
      );
      const text = created ? `Saved as ${chosen}.` : `You saved this photo before, as ${chosen}.`;
      this.#part("saved").querySelector("p").textContent = text;
      this.#part("saved").hidden = false;
      this.context.say(`${this.file.name}: ${text}`);
    } catch (error) {
      button.disabled = false;
      if (!(error instanceof Cancelled)) {
        this.#showProblem(this.#part("save-problem"), asProblem(error), () => this.#save());
      }
    } finally {
      select.disabled = false;
      button.textContent = "Save";
    }
  }

  #failed(error) {
    if (this.element.dataset.state === "removed") return;
    const again = () => this.context.enqueue(this);
    const problem =
      error instanceof Cancelled
        ? new Problem({ title: "Cancelled", detail: "Nothing was kept.", retry: true })
        : asProblem(error);
    this.offline = problem.code === "offline";
    const box = this.element.querySelector(".about > .problem");
    box.classList.toggle("calm", error instanceof Cancelled);
    this.#showProblem(box, problem, again);
    this.#show("problem");
  }

  #showProblem(box, problem, again) {
    box.querySelector(".problem-title").textContent = problem.title;
    box.querySelector(".problem-detail").textContent = sentence(problem.detail);
    const link = box.querySelector(".problem-link");
    link.hidden = !problem.type;
    if (problem.type) link.href = problem.type;
    const retry = box.querySelector(".retry");
    retry.hidden = !problem.retry;
    retry.onclick = again;
    this.#countDown(retry, problem.retryAfter ?? 0);
    box.hidden = false;
    this.context.say(`${this.file.name}: ${problem.title}. ${sentence(problem.detail)}`);
  }

  #countDown(button, seconds) {
    clearInterval(this.#countdown);
    const until = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
      if (left <= 0) clearInterval(this.#countdown);
    };
    this.#countdown = setInterval(tick, 250);
    tick();
  }

  /** All species, the likeliest first; one is preselected only where the service has a clear idea. */
  async #fillSelect(ranked, preselect) {
    const select = this.element.querySelector("select");
    const language = this.context.language();
    const chosen = select.value;
    const label = (one) => one.names[language] || one.scientific_name;
    const options = (list) => list.map((one) => new Option(label(one), one.id));
    const group = (title, list) => {
      const element = document.createElement("optgroup");
      element.label = title;
      element.append(...options(list));
      return element;
    };
    const all = await this.context.species;
    const suggested = ranked.slice(0, SUGGESTED);
    const rest = all
      .filter((one) => !suggested.some((other) => other.id === one.id))
      .sort((one, other) => label(one).localeCompare(label(other), language));
    select.replaceChildren(
      ...(preselect ? [] : [new Option("Choose a species", "")]),
      ...(suggested.length ? [group("Suggested", suggested)] : []),
      ...(suggested.length ? [group("All others", rest)] : options(rest)),
    );
    select.lang = language;
    if (chosen) select.value = chosen;
  }

  #row(score, likely) {
    const row = byId("species-row").content.firstElementChild.cloneNode(true);
    row.classList.toggle("likely", likely);
    const [first, second] = this.context.language() === "ko" ? ["ko", "en"] : ["en", "ko"];
    const set = (selector, text, lang) => {
      const element = row.querySelector(selector);
      element.textContent = text;
      if (lang) element.lang = lang;
      return element;
    };
    set(".name", score.names[first], first);
    set("i", score.scientific_name);
    set(".translated", score.names[second], second);
    set(".share", percent(score.probability));
    const badge = set(".cites", score.cites ? `CITES ${score.cites}` : "");
    badge.hidden = !score.cites;
    if (score.cites) badge.title = citesMeaning(score.cites);
    const width = `${(score.probability * 100).toFixed(1)}%`;
    row.querySelector(".bar > div").style.setProperty("inline-size", width);
    return row;
  }

  #summary() {
    const { parrot, species } = this.#answer;
    const said = verdict(parrot);
    const best = species[0];
    const language = this.context.language();
    const name = best ? `. Best match: ${best.names[language]}, ${percent(best.probability)}` : "";
    return `${said.title}. ${said.words}${name}`;
  }

  #show(part, text = "") {
    for (const name of ["waiting", "result"]) this.#part(name).hidden = name !== part;
    this.element.querySelector(".about > .problem").hidden = part !== "problem";
    if (part === "waiting") this.#part("waiting-text").textContent = text;
  }

  #saveButton() {
    return this.#part("save").querySelector("button");
  }

  #part(name) {
    return this.element.querySelector(`.${name}`);
  }
}

function asProblem(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem({ title: "Something went wrong on this page", detail: String(error) });
}

function sentence(text) {
  if (!text) return "";
  const start = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function smallPrint(model, photo, timing) {
  const { bundle, ...served } = model;
  const steps = timings(timing);
  return [
    `Model bundle ${bundle}, ${Object.values(served).join(", ")}`,
    `${photo.width} × ${photo.height} px`,
    ...(steps.length ? [steps.join(", ")] : []),
  ].join(" · ");
}
