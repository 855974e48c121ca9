// A reviewer's photos in turn, and what became of the last decisions.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import { newId } from "./dom.js";
import * as outbox from "./outbox.js";
import { asProblem, Problem } from "./problem.js";
import { reviews } from "./service.js";

const PAGE = 10; // asked for at once: only so many come with similar photos
const MOST = 100; // that the service lists
const REFILL = 3;
const KEPT = 20; // decisions that can be undone

export class Desk {
  rows = []; // the first one is shown
  past = []; // decisions of this visit, `{id, row, species, state, outcome}`, oldest first
  skipped = new Set(); // ids of reviews that are left for another visit
  waiting = 0; // how many wait, for all reviewers
  problem = null; // why no more could be asked for
  asked = 0; // when, in milliseconds
  #asking; // for whom, null for nobody in particular; undefined: not now
  #loaded = false;
  #more = true; // whether the service has some that are not here

  /** `changed` is called whenever something else is to be shown. */
  constructor(changed) {
    this.changed = changed;
    outbox.listen((message) => this.#hear(message));
    account.changed(() => this.restart());
  }

  get state() {
    if (this.rows.length > 0) return "photo";
    if (!this.#loaded) return "loading";
    return this.problem ? "problem" : "empty";
  }

  /** The decision that the next undo takes back: one that the service refused is over. */
  get undoable() {
    const states = ["sending", "kept", "settled", "noted", "skipped"];
    return this.past.findLast(({ state }) => states.includes(state));
  }

  async restart() {
    [this.rows, this.past, this.problem, this.#loaded] = [[], [], null, false];
    this.skipped.clear();
    this.changed();
    await this.fill();
  }

  /** Ask for more where few are left: each time the service looks through hundreds. */
  async fill() {
    const who = account.key();
    if (this.#asking === who || this.rows.length > (this.#more ? REFILL : 0)) return;
    [this.#asking, this.asked] = [who, Date.now()];
    const problem = await this.#ask(who).catch(asProblem);
    if (who !== account.key()) return;
    [this.problem, this.#asking, this.#loaded] = [problem ?? null, undefined, true];
    this.changed();
  }

  async #ask(who) {
    if (who === null) throw new Problem("unauthenticated");
    const size = Math.min(PAGE + this.skipped.size, MOST); // those that were skipped come again
    const { rows, waiting } = await reviews({ size, headers: await headersOf(who) });
    const unsent = (await outbox.entries(who)).map(({ review }) => review);
    if (who !== account.key()) return;
    const here = [...this.rows, ...this.past.map(({ row }) => row)].map(({ id }) => id);
    const known = new Set([...unsent, ...here, ...this.skipped]);
    this.rows.push(...rows.filter(({ id }) => !known.has(id)));
    [this.waiting, this.#more] = [waiting, rows.length === size];
  }

  /** Decide about the first one: kept on the device until the service has it. */
  async decide(species) {
    const row = this.rows.shift();
    const decision = { id: newId(), row: { ...row, said: species }, species, state: "sending" };
    this.past = [...this.past, decision].slice(-KEPT);
    const entry = { id: decision.id, account: account.key(), review: row.id, species };
    decision.stored = outbox.addReview(entry).catch((error) => {
      decision.state = asProblem(error).code; // a private window may refuse to keep anything
    });
    this.changed(decision);
    await decision.stored;
    outbox.flush();
    this.fill();
  }

  /** Leave the first one for another visit. */
  skip() {
    const row = this.rows.shift();
    const decision = { id: newId(), row, species: null, state: "skipped" };
    this.past = [...this.past, decision].slice(-KEPT);
    this.skipped.add(row.id);
    this.changed(decision);
    this.fill();
  }

  /** Back to the last decision: one that is sent already is replaced by the next one. */
  async undo() {
    const decision = this.undoable;
    if (!decision) return;
    this.past.splice(this.past.indexOf(decision), 1);
    this.rows.unshift(decision.row);
    this.skipped.delete(decision.row.id);
    this.changed();
    await decision.stored;
    await outbox.drop(decision.id);
  }

  /** Do without the first one: it was taken back, or cannot be shown. */
  drop() {
    this.rows.shift();
    this.changed();
    this.fill();
  }

  #hear({ id, event, review, refused, code }) {
    const decision = this.past.find((one) => one.id === id);
    if (!decision) return;
    if (event === "waiting") {
      // What comes after it waits too.
      const state = code === "unauthenticated" ? code : "kept";
      for (const one of this.past) if (one.state === "sending") one.state = state;
      this.changed();
    }
    if (event !== "sent") return;
    decision.outcome = review?.outcome;
    decision.state = refused ?? (decision.outcome ? "settled" : "noted");
    if (decision.outcome) this.waiting -= 1;
    if (refused === "forbidden") [this.rows, this.problem] = [[], new Problem(refused)];
    this.changed(decision);
    if (this.rows.length === 0) this.fill();
  }
}
