// One saved bird, large: what it is saved as, what the model says, and changing or deleting it.

import * as account from "./account.js";
import { showBlob, store } from "./blobs.js";
import { headersOf } from "./credentials.js";
import { byId, opened } from "./dom.js";
import { day, errorLine, nameOf, t } from "./language.js";
import * as outbox from "./outbox.js";
import { table } from "./plate.js";
import { asProblem } from "./problem.js";
import * as service from "./service.js";
import { similar } from "./similar.js";
import { fillSelect, labelName, named, OTHER_PARROT } from "./species-select.js";
import { observationName } from "./tile.js";
import { toast } from "./toast.js";
import * as training from "./training.js";

/** What became of it: `{changed}`, `{deleted}`, `{gone}` or nothing; `next` is a tile to open then. */
export function openBird(tile, kinds) {
  return tile.entry ? openEntry(tile, kinds) : new Sheet(tile, kinds).open();
}

class Sheet {
  #dialog = byId("bird");
  #tag = null;
  #outcome = null;
  #next; // a tile that was tapped
  #closed = false; // what comes later must not be drawn: the dialog shows another bird
  #large; // address of the large picture, as soon as it is asked for
  #taxa = {}; // reviewers may settle a group

  constructor(tile, kinds) {
    this.kinds = kinds;
    this.observation = tile.observation;
    this.thumbnail = tile.picture;
  }

  async open() {
    const dialog = this.#dialog;
    const select = this.#part("select");
    this.#part("form").onsubmit = (event) => {
      event.preventDefault();
      this.#relabel();
    };
    select.onchange = () => this.#chosen();
    this.#part(".delete").onclick = () => {
      this.#outcome = { deleted: this.observation };
      dialog.close();
    };
    this.#part(".original").onclick = () => this.#download();
    this.#part(".training input").onchange = () => this.#allow();
    this.#part(".sighting button").onclick = () => this.#forget();
    drawThumbnail(dialog, this.thumbnail);
    this.#part(".similar").hidden = true;
    this.#draw();
    const closing = opened(dialog);
    this.#refresh();
    this.#drawSimilar();
    await closing;
    this.#closed = true;
    return { ...this.#outcome, next: this.#next };
  }

  #draw() {
    const { observation, kinds } = this;
    if (observation.files) this.#drawLarge(service.ownAddress(observation.files.image));
    this.#part("h2").textContent = observationName(observation, kinds);
    this.#part(".date").textContent = t("bird.date", { date: day(observation.created) });
    this.#drawSighting();
    this.#part(".training input").checked = observation.training === true;
    this.#part(".state").textContent = this.#stateWords();
    this.#part(".state").hidden = !this.#part(".state").textContent;
    this.#part("form").hidden = false;
    this.#part(".entry").hidden = true;
    this.#part(".saved").hidden = false;
    this.#part(".problem").hidden = true;
    const chosen = observation.species;
    const suggested = kinds.species.filter((row) => row.id === observation.verdict?.species);
    fillSelect(this.#part("select"), kinds, { ranked: suggested, chosen });
    this.#part(".text input").value = observation.labels?.at(-1)?.text ?? "";
    this.#chosen();
  }

  /** The large picture over the thumbnail, once it is there; another address after some time. */
  #drawLarge(address) {
    if (address === this.#large) return;
    this.#large = address;
    const [image, loader] = [this.#part(".large"), new Image()];
    loader.onload = () => {
      if (this.#closed) return;
      image.src = address;
      image.hidden = false;
    };
    loader.src = address;
  }

  async #drawSimilar() {
    const tiles = await similar(this.observation.id, this.kinds, (tile) => {
      this.#next = tile;
      this.#dialog.close();
    });
    if (this.#closed) return;
    this.#part(".similar ul").replaceChildren(...tiles.map(({ element }) => element));
    this.#part(".similar").hidden = tiles.length === 0;
  }

  async #allow() {
    const box = this.#part(".training input");
    try {
      const { observation, tag } = await training.tell(this.observation.id, box.checked);
      this.observation = observation;
      this.#tag = tag;
      this.#outcome = { changed: observation };
    } catch (error) {
      box.checked = !box.checked;
      toast(errorLine(asProblem(error).code));
    }
  }

  #drawSighting() {
    const { taken, latitude, longitude } = this.observation.sighting ?? {};
    const place = latitude == null ? "" : `${latitude}, ${longitude}`;
    const link = this.#part(".sighting a");
    this.#part(".sighting").hidden = !taken && !place;
    this.#part(".sighting span").textContent = taken ? t("bird.seen", { date: day(taken) }) : "";
    link.textContent = taken ? t("bird.where", { place }) : t("bird.place", { place });
    link.hidden = !place;
    link.href = `geo:${latitude},${longitude}`; // a phone's map
  }

  async #forget() {
    try {
      const headers = await headersOf(account.key());
      const nothing = { taken: "", place: "" };
      const { observation, tag } = await service.change(this.observation.id, nothing, { headers });
      this.observation = observation;
      this.#tag = tag;
      this.#outcome = { changed: observation };
      this.#drawSighting();
      toast(t("bird.unseen.done"));
    } catch (error) {
      toast(errorLine(asProblem(error).code));
    }
  }

  #stateWords() {
    const { status, verdict, review, duplicate_of: twin } = this.observation;
    if (review) {
      const row = this.#taxa[review.species];
      const name = row ? nameOf(row) : labelName(review, this.kinds);
      return this.#contested ? t("bird.settled", { name }) : t("bird.agreed", { name });
    }
    if (status === "ready") return twin ? t("bird.duplicate") : "";
    if (status !== "needs_review") return t(`status.${status}.words`);
    const kind = verdict?.set?.unknown ? OTHER_PARROT : verdict?.species;
    const id = verdict?.parrot.is_parrot ? kind : "not-a-parrot";
    return t("status.needs_review.words", { name: labelName({ species: id }, this.kinds) });
  }

  /** Whether reviewers settled another name: saying the same again is then an objection. */
  get #contested() {
    const { review, species } = this.observation;
    return review !== undefined && review.species !== species;
  }

  #chosen() {
    const { value } = this.#part("select");
    const other = value === OTHER_PARROT;
    const same = value === this.observation.species;
    this.#part(".text").hidden = !other;
    this.#part("[type=submit]").disabled = !value || (same && !other && !this.#contested);
    const object = same && this.#contested;
    this.#part("[type=submit]").textContent = object ? t("bird.object") : t("bird.relabel");
  }

  /** What the service knows now, and the tag that a change needs. */
  async #refresh() {
    try {
      const headers = await headersOf(account.key());
      const { observation, tag } = await service.read(this.observation.id, { headers });
      if (observation.review) this.#taxa = (await table().catch(() => ({ kinds: {} }))).kinds;
      if (this.#closed) return;
      const chosen = this.#part("select").value;
      const touched = chosen !== this.observation.species;
      this.#tag = tag;
      this.observation = observation;
      this.#outcome ??= { changed: observation };
      if (!touched) this.#draw();
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code !== "not_found" || this.#closed) return; // offline: shown as it was loaded
      this.#outcome = { gone: this.observation.id };
      toast(errorLine("not_found"));
      this.#dialog.close();
    }
  }

  async #relabel() {
    const button = this.#part("[type=submit]");
    const species = this.#part("select").value;
    const text = species === OTHER_PARROT ? this.#part(".text input").value.trim() : "";
    button.disabled = true;
    try {
      const headers = await headersOf(account.key());
      const { id } = this.observation;
      const answer = await service.change(id, named(species, text), { tag: this.#tag, headers });
      const { review } = answer.observation;
      const objected = this.#contested && review?.species !== species;
      const name = observationName(answer.observation, this.kinds);
      this.#outcome = { changed: answer.observation };
      if (!objected) toast(t("keep.changed", { name }));
      else toast(review ? t("bird.final") : t("bird.objected"));
      this.#dialog.close();
    } catch (error) {
      const problem = asProblem(error);
      this.#part(".problem").textContent = errorLine(problem.code);
      this.#part(".problem").hidden = false;
      button.disabled = false;
      if (problem.code === "precondition_failed") await this.#refresh();
    }
  }

  /** The original wants the person's token, so a plain link would not do. */
  async #download() {
    const { id, photo } = this.observation;
    try {
      const blob = await service.file(service.originalAddress(id), {
        headers: await headersOf(account.key()),
      });
      store(blob, `${id}.${photo.media_type.split("/")[1]}`);
    } catch (error) {
      toast(errorLine(asProblem(error).code));
    }
  }

  #part(selector) {
    return this.#dialog.querySelector(selector);
  }
}

/** An entry that is not sent yet can be sent again or discarded. */
async function openEntry(tile, kinds) {
  const dialog = byId("bird");
  const part = (selector) => dialog.querySelector(selector);
  const { entry } = tile;
  drawThumbnail(dialog, tile.picture);
  part("h2").textContent = tile.name(kinds);
  part(".date").textContent = t(`status.${tile.state}`);
  part(".sighting").hidden = true;
  const words = entry.problem ? errorLine(entry.problem.code) : t("status.queued.words");
  part(".state").textContent = words;
  part(".state").hidden = false;
  part("form").hidden = true;
  part(".saved").hidden = part(".similar").hidden = true;
  part(".entry").hidden = false;
  part(".send").onclick = () => {
    outbox.again(entry.id);
    dialog.close();
  };
  part(".discard").onclick = () => {
    outbox.drop(entry.id);
    dialog.close();
  };
  await opened(dialog);
  return {};
}

/** In place of the picture of the bird that was shown before. */
function drawThumbnail(dialog, thumbnail) {
  const image = dialog.querySelector(".large");
  image.removeAttribute("src");
  image.hidden = !thumbnail;
  if (thumbnail) showBlob(image, thumbnail).catch(() => {}); // this browser cannot
}
