// Saving a card's photos under a name.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import { announce, newId } from "./dom.js";
import { drawChoice } from "./each.js";
import { errorLine, size, t } from "./language.js";
import * as outbox from "./outbox.js";
import { asProblem } from "./problem.js";
import * as service from "./service.js";
import { fillSelect, labelName, named, OTHER_PARROT } from "./species-select.js";
import * as training from "./training.js";

/** The form of one card: `kinds` is a promise of what a photo can be saved as. */
export class Keep {
  #sending = new Map(); // entry id -> the part of it that is sent
  #results = [];
  #conflict = null;
  #decided = false; // by the person: a suggestion changes with the answer
  #silence;

  constructor(element, kinds, pictures) {
    this.element = element;
    this.kinds = kinds;
    this.pictures = pictures;
    this.select = this.#part("select");
    this.select.id = newId();
    this.#part("label[for]").htmlFor = this.select.id;
    this.select.addEventListener("change", () => {
      this.#decided = true;
      this.#chosen();
    });
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#part(".change").addEventListener("click", () => this.#change());
    this.#silence = outbox.listen((message) => this.#hear(message));
  }

  /** Draw the choice in the page's language; what is chosen stays. */
  async draw(ranked, suggested) {
    const kinds = await this.kinds;
    const chosen = this.#decided ? this.select.value || null : suggested;
    fillSelect(this.select, kinds, { ranked, chosen });
    this.#chosen(false);
    drawChoice(this.#part(".which"), this.pictures(), () => this.#chosen());
    const [picture] = this.pictures();
    const shrinks = (await Promise.all(this.pictures().map((one) => one.shrinks()))).some(Boolean);
    this.#part(".original").hidden = !shrinks;
    this.#part(".original span").textContent = t("keep.original", { size: size(picture.file.size) });
    this.#part(".seen").hidden = !(await this.#noted());
  }

  /** Whether a camera wrote when or where into a photo. */
  async #noted() {
    try {
      const { seen } = await import("./exif.js");
      const notes = await Promise.all(this.pictures().map(({ file }) => seen(file)));
      return notes.some(({ taken, place }) => taken || place);
    } catch {
      return false; // the network went away
    }
  }

  close() {
    this.#silence();
  }

  #chosen(clear = true) {
    this.#part(".text").hidden = this.select.value !== OTHER_PARROT;
    if (!clear) return;
    this.#say("");
    this.#button(false);
  }

  async #save() {
    if (!this.select.value) {
      this.select.focus();
      return;
    }
    const wanted = this.pictures().filter((picture) => picture.wanted);
    if (wanted.length === 0) {
      this.#say(t("keep.none"), "bad");
      return;
    }
    this.#button(true, 0);
    this.#say("");
    this.#results = [];
    const original = this.#part(".original input").checked;
    const notes = this.#part(".seen input").checked ? await import("./exif.js") : null;
    const name = this.select.selectedOptions[0].textContent;
    const text = this.#text();
    try {
      const who = await account.ensure();
      const waiting = (await outbox.entries(who)).filter(({ id }) => this.#sending.has(id));
      this.#sending.clear();
      for (const picture of wanted) {
        const photo = await picture.forKeeping(original);
        const id = newId();
        this.#sending.set(id, 0);
        const seen = await notes?.seen(picture.file);
        const entry = { id, account: who, species: this.select.value, text, name, photo, ...seen };
        entry.training = training.said(who);
        await outbox.addSave(entry);
      }
      for (const { id } of waiting) await outbox.drop(id); // of an earlier press, perhaps under another name
      outbox.flush();
    } catch (error) {
      this.#failed(asProblem(error));
    }
  }

  #hear({ id, event, part, observation, created, problem }) {
    if (!this.#sending.has(id)) return;
    if (event === "sending") {
      this.#sending.set(id, part);
      const parts = [...this.#sending.values()];
      this.#button(true, parts.reduce((sum, one) => sum + one, 0) / parts.length);
    } else if (event === "sent") {
      this.#sending.set(id, 1);
      this.#results.push({ observation, created });
      if (this.#results.length === this.#sending.size) this.#saved();
    } else if (event === "waiting") {
      this.#button(false);
      this.#say(t("keep.queued"), "calm");
    } else if (event === "failed") {
      this.#failed(problem, id);
    }
  }

  async #saved() {
    this.#sending.clear();
    const kinds = await this.kinds;
    const [{ observation, created }] = this.#results;
    const name = labelName(observation.labels.at(-1), kinds);
    const count = this.#results.length;
    this.#button(false);
    this.#part("[type=submit]").disabled = true;
    const key = count > 1 ? "keep.saved.several" : created ? "keep.saved" : "keep.before";
    this.#say(t(key, { name, count }), "good");
    training.ask(this.#part(".training"), this.#results.map((result) => result.observation));
  }

  #failed(problem, id) {
    this.#sending.clear();
    this.#button(false);
    this.#conflict = problem.code === "conflict" ? problem.observation : null;
    this.#say(errorLine(problem.code), "bad");
    if (this.#conflict) {
      const name = this.select.selectedOptions[0].textContent;
      this.#part(".change").textContent = t("keep.change", { name });
      this.#part(".change").hidden = false;
    }
    if (id) outbox.drop(id);
  }

  async #change() {
    try {
      const headers = await headersOf(account.key());
      const species = this.select.value;
      await service.change(this.#conflict, named(species, this.#text()), { headers });
      const name = this.select.selectedOptions[0].textContent;
      this.#say(t("keep.changed", { name }), "good");
      this.#part("[type=submit]").disabled = true;
    } catch (error) {
      this.#say(errorLine(asProblem(error).code), "bad");
    }
  }

  #text() {
    return this.select.value === OTHER_PARROT ? this.#part(".text input").value.trim() : "";
  }

  #button(busy, part = 0) {
    const button = this.#part("[type=submit]");
    button.disabled = busy;
    const percent = Math.round(part * 100);
    button.textContent = busy ? t("keep.saving", { percent }) : t("keep.save");
  }

  #say(text, mood = "") {
    const box = this.#part(".outcome");
    box.hidden = !text;
    box.dataset.mood = mood;
    box.querySelector("p").textContent = text;
    box.querySelector("a").hidden = mood === "bad";
    this.#part(".change").hidden = true;
    if (!text) return;
    box.scrollIntoView({ block: "nearest" });
    announce(text);
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }
}
