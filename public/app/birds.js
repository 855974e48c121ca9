// My birds: the grid of what a person saved, and of what still waits to be sent.

import * as account from "./account.js";
import { arrange, place } from "./arrange.js";
import { openBird } from "./bird.js";
import { headersOf } from "./credentials.js";
import { byId } from "./dom.js";
import { errorLine, t } from "./language.js";
import * as outbox from "./outbox.js";
import { element } from "./plate.js";
import { asProblem } from "./problem.js";
import * as service from "./service.js";
import * as shelf from "./shelf.js";
import { Tile } from "./tile.js";
import { toast } from "./toast.js";

const PAGE = 30;
const [FIRST_LOOK, LAST_LOOK] = [1, 20]; // seconds between looks at what is being processed

/** The view; `kinds` is a promise of what a photo can be saved as. */
export class Birds {
  #tiles = new Map(); // observation id -> Tile
  #queued = new Map(); // entry id -> Tile
  #token;
  #round = 1; // grows when the list starts again; what an older round still fetches is dropped
  #loading = 0; // the round that is fetching a page, 0 for none
  #failed = false; // the last page did not come: only a person, or a network, asks again
  #visible = false;
  #timer = null;
  #pause = FIRST_LOOK;
  #end;
  #frame; // in which the tiles are put in order

  constructor(kinds) {
    this.kinds = kinds;
    this.#end = new IntersectionObserver(
      ([entry]) => entry.isIntersecting && this.#token && this.#load(),
      { rootMargin: "600px" },
    );
    outbox.listen((message) => this.#hear(message));
    account.changed(() => this.#restart());
    document.addEventListener("language", () => this.#drawAll());
    document.addEventListener("visibilitychange", () => this.#look());
    window.addEventListener("online", () => this.#begin());
    byId("birds-retry").addEventListener("click", () => this.#begin());
    byId("birds-tools").addEventListener("input", () => this.#arrange());
  }

  async show() {
    this.#visible = true;
    await this.#restart();
  }

  hide() {
    this.#visible = false;
    clearTimeout(this.#timer);
  }

  async #restart() {
    for (const tile of this.#all) tile.close();
    this.#tiles.clear();
    this.#queued.clear();
    await this.#begin();
  }

  /** Load from the start; what is there stays, or it would flicker. */
  async #begin() {
    const round = ++this.#round;
    this.#loading = 0;
    byId("birds-loading").hidden = true;
    const nobody = account.key() === null;
    this.#token = nobody ? undefined : null; // not asked yet: nothing says that there are none
    this.#count();
    if (!this.#visible || nobody) return;
    await this.#drawQueued();
    for (const observation of await shelf.observations(account.key())) {
      await this.#put(observation, round);
    }
    if (round === this.#round) await this.#load(true);
  }

  /** The next page, or the first one. */
  async #load(first = false) {
    const round = this.#round;
    if (this.#loading === round) return;
    this.#loading = round;
    this.#failed = false;
    byId("birds-loading").hidden = false;
    this.#problem(null);
    const who = account.key();
    try {
      const token = first ? undefined : this.#token;
      const page = await service.list({ token, size: PAGE, headers: await headersOf(who) });
      if (round === this.#round) await this.#merge(who, page, first);
    } catch (error) {
      this.#failed = round === this.#round;
      if (this.#failed) this.#problem(asProblem(error));
    } finally {
      if (round === this.#round) this.#loaded();
    }
  }

  #loaded() {
    this.#loading = 0;
    byId("birds-loading").hidden = true;
    this.#count();
    this.#look(FIRST_LOOK);
    if (this.#failed) return;
    if (this.#token && this.#wantsAll) this.#load();
    else this.#watchEnd();
  }

  /** Look again whether the end is in sight: after a short page it still is. */
  #watchEnd() {
    this.#end.disconnect();
    this.#end.observe(byId("birds-more"));
  }

  async #merge(who, page, first) {
    const round = this.#round;
    const rows = page.observations;
    this.#token = page.next_page_token;
    const ids = new Set(rows.map((row) => row.id));
    await shelf.keep(who, rows);
    if (first) {
      const oldest = this.#token ? rows.at(-1).created : "";
      await shelf.forgetAllBut(who, ids, oldest);
      if (round !== this.#round) return;
      for (const [id, tile] of this.#tiles) {
        if (!ids.has(id) && tile.observation.created >= oldest) this.#drop(id);
      }
    }
    for (const row of rows) await this.#put(row, round);
  }

  /** A tile for an observation. */
  async #put(observation, round = this.#round) {
    const kinds = await this.kinds;
    if (round !== this.#round) return;
    const known = this.#tiles.get(observation.id);
    if (known) {
      known.update(observation, kinds);
      return;
    }
    const waiting = await outbox.entries(account.key());
    if (round !== this.#round || this.#tiles.has(observation.id)) return;
    if (waiting.some((entry) => entry.observation === observation.id)) return; // being deleted
    const tile = new Tile({ observation }, kinds, () => this.#open(tile));
    this.#tiles.set(observation.id, tile);
    this.#count();
  }

  async #drawQueued() {
    const round = this.#round;
    const kinds = await this.kinds;
    const entries = await outbox.entries(account.key());
    for (const entry of round === this.#round ? entries : []) {
      if (entry.kind !== "save" || this.#queued.has(entry.id)) continue;
      const tile = new Tile({ entry }, kinds, () => this.#open(tile));
      this.#queued.set(entry.id, tile);
    }
    this.#count();
  }

  async #hear({ id, event, account: whose, observation, part, problem, removed, kept }) {
    if (removed) await shelf.forget(whose, removed);
    if (!this.#visible) return;
    const tile = this.#queued.get(id);
    if (event === "added") await this.#drawQueued();
    if (event === "sending") tile?.sending(part);
    if (event === "waiting") tile?.waiting();
    if (event === "failed") tile?.failed(problem);
    if (kept) toast(errorLine(problem.code));
    if (kept) await this.#begin(); // with the bird that was to be deleted
    if (event === "sent" || event === "dropped") {
      tile?.close();
      this.#queued.delete(id);
    }
    if (observation && whose === account.key()) {
      await shelf.keep(account.key(), [observation]);
      await this.#put(observation);
      this.#look(FIRST_LOOK);
    }
    this.#count();
  }

  async #open(tile) {
    for (let shown = tile; shown; ) {
      const { changed, gone, deleted, next } = await openBird(shown, await this.kinds);
      if (changed) {
        await shelf.keep(account.key(), [changed]);
        await this.#put(changed);
      }
      if (gone) {
        this.#drop(gone);
        await shelf.forget(account.key(), gone);
      }
      if (deleted) await this.#delete(deleted);
      shown = next;
    }
    if (tile.element.isConnected) tile.element.querySelector("button").focus();
  }

  async #delete(observation) {
    const { id } = observation;
    await outbox.addDeletion(id, account.key());
    this.#drop(id);
    byId("birds-title").focus();
    const sending = setTimeout(() => outbox.flush(), outbox.UNDO_SECONDS * 1000 + 100);
    toast(t("bird.deleted"), {
      action: t("bird.undo"),
      seconds: outbox.UNDO_SECONDS,
      run: async () => {
        clearTimeout(sending);
        await outbox.drop(outbox.deletionOf(id));
        await this.#put(observation);
        toast(t("bird.undone"));
      },
    });
  }

  #drop(id) {
    this.#tiles.get(id)?.close();
    this.#tiles.delete(id);
    this.#count();
  }

  /** Look again at what is being processed, less and less often. */
  #look(pause = this.#pause) {
    clearTimeout(this.#timer);
    this.#pause = Math.min(pause, LAST_LOOK);
    const pending = [...this.#tiles.values()].filter((tile) => tile.pending);
    if (!this.#visible || document.hidden || pending.length === 0) return;
    this.#timer = setTimeout(async () => {
      const headers = await headersOf(account.key());
      for (const { observation } of pending) {
        try {
          await this.#put((await service.read(observation.id, { headers })).observation);
        } catch (error) {
          if (error.code === "not_found") this.#drop(observation.id);
        }
      }
      this.#look(this.#pause * 1.6);
    }, this.#pause * 1000);
  }

  #problem(problem) {
    const box = byId("birds-problem");
    box.hidden = !problem;
    if (!problem) return;
    const offline = this.#tiles.size > 0 ? t("birds.offline") : t("birds.offline.none");
    box.querySelector("p").textContent = problem.code === "offline" ? offline : errorLine(problem.code);
  }

  get #all() {
    return [...this.#queued.values(), ...this.#tiles.values()];
  }

  get #wants() {
    return { query: byId("birds-search").value, by: byId("birds-by").value };
  }

  /** What is looked for, and a kind's birds, may be on any page. */
  get #wantsAll() {
    const { query, by } = this.#wants;
    return query.trim() !== "" || by === "kind";
  }

  /** Put all tiles where the person wants them, once for all that came until the next frame. */
  #arrange() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#place());
  }

  async #place() {
    const kinds = await this.kinds;
    const tiles = this.#all;
    const groups = arrange(tiles, this.#wants, kinds);
    const elements = groups.flatMap(({ heading, tiles: found }) => [
      element("li", "heading", element("h2", "", heading)),
      ...found.map((tile) => tile.element),
    ]);
    place(byId("birds-grid"), elements);
    const count = groups.reduce((sum, { tiles: found }) => sum + found.length, 0);
    byId("birds-count").textContent = t("birds.end", { count });
    byId("birds-nothing").hidden = count > 0 || tiles.length === 0;
    if (this.#token && this.#wantsAll && !this.#loading && !this.#failed) this.#load();
  }

  #count() {
    this.#arrange();
    const count = this.#tiles.size + this.#queued.size;
    byId("birds-tools").hidden = count === 0;
    byId("birds-empty").hidden = count > 0 || this.#token !== undefined;
    byId("birds-count").hidden = count === 0 || this.#loading || Boolean(this.#token);
  }

  async #drawAll() {
    const kinds = await this.kinds;
    for (const tile of this.#all) tile.draw(kinds);
    this.#count();
  }
}
