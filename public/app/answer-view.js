// An answer in words, on a card.

import { oneKind } from "./answer.js";
import { fromTemplate } from "./dom.js";
import { answers, language, local, nameOf, percent, phrase, t } from "./language.js";

/** Draw `meaning` (see answer.js) into a card's result; `count` is how many kinds are known. */
export function drawAnswer(result, meaning, count, taxon) {
  const part = (name) => result.querySelector(`.${name}`);
  const write = (name, text) => {
    part(name).textContent = text;
    part(name).hidden = !text;
  };
  const [headline, words, list] = sentences(meaning, count);
  const kind = oneKind(meaning);
  result.dataset.state = meaning.state;
  write("headline", headline);
  write("latin", kind?.scientific_name);
  write("words", words);
  write("joint", joint(meaning));
  write("tip", tip(meaning));
  write("protection", kind && protection(kind, taxon));
  drawAlike(part("alike"), meaning, list);
  drawCompare(part("compare"), meaning);
  drawShares(part("shares"), meaning);
}

/** The answer in one line, for a picture's description and for screen readers. */
export function headline(meaning) {
  return sentences(meaning, 0)[0];
}

/** Headline, sentence and the title of the list of kinds, if there is one. */
export function sentences({ state, named, group }, count) {
  const [a, b] = named.map(nameOf);
  const values = { a, b, count, group: group && nameOf(group) };
  return answers().states[state][language()].map((text) => phrase(text, values));
}

function joint({ photos, odd, state }) {
  if (photos < 2) return "";
  const left = odd.map((position) => t("card.odd", { number: position + 1 }));
  const count = photos - odd.length;
  const from = state !== "yes.different" && t("card.joint", { count, photos });
  return [from, ...left].filter(Boolean).join(" ");
}

function tip({ state, tip: texts }) {
  if (state === "yes.one" || state === "yes.different") return "";
  return local(texts) ?? t("answer.tip");
}

/** How rare it is and what trading it asks for, with the year that this is known of. */
function protection({ id, cites }, taxon) {
  const known = taxon?.id === id ? taxon : { cites };
  const iucn = known.iucn && t("answer.iucn", { category: t(`kind.iucn.${known.iucn}`) });
  const trade = known.cites && t("answer.cites", { appendix: known.cites });
  const facts = [iucn, trade].filter(Boolean).join(" · ");
  return facts && known.status_year ? `${facts} (${known.status_year})` : facts;
}

/** The kinds that it may be, where it is not one; or what looks like the one. */
function drawAlike(box, { named, alike }, title) {
  const kinds = alike.length ? alike : named;
  box.hidden = !title || kinds.length === 0;
  if (box.hidden) return;
  box.querySelector("h3").textContent = title;
  const rows = kinds.map((row) => {
    const item = fromTemplate("candidate");
    item.dataset.kind = row.id;
    item.querySelector(".name").textContent = nameOf(row);
    item.querySelector(".latin").textContent = row.scientific_name;
    return item;
  });
  box.querySelector("ul").replaceChildren(...rows);
}

/** Plates of what the answer names, for people to compare with their bird. */
async function drawCompare(box, { named, alike, group }) {
  box.hidden = true;
  const { drawComparison } = await import("./plate.js"); // not needed at the start
  drawComparison(box, group ? [group.id] : [...named, ...alike].map(({ id }) => id));
}

/** How the choice is shared out among the kinds that it may be. */
function drawShares(box, { state, named }) {
  box.hidden = !["yes.two", "yes.few"].includes(state);
  if (box.hidden) return;
  const rows = named.map((row) => {
    const item = fromTemplate("share");
    item.querySelector(".name").textContent = nameOf(row);
    item.querySelector(".number").textContent = percent(row.probability);
    item.querySelector("meter").value = row.probability;
    item.querySelector("meter").setAttribute("aria-label", nameOf(row));
    return item;
  });
  box.querySelector("ul").replaceChildren(...rows);
}
