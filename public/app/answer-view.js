// An answer in words, on a card.

import { fromTemplate } from "./dom.js";
import { language, lookAlike, percent, speciesName, t } from "./language.js";

/** Draw `meaning` (see answer.js) into a card's result; `count` is how many kinds are known. */
export function drawAnswer(result, meaning, count) {
  const part = (name) => result.querySelector(`.${name}`);
  const write = (name, text) => {
    part(name).textContent = text;
    part(name).hidden = !text;
  };
  result.dataset.kind = meaning.kind;
  write("headline", headline(meaning));
  write("latin", meaning.kind === "one" ? meaning.named[0].scientific_name : "");
  write("words", words(meaning, count));
  write("joint", joint(meaning));
  write("tip", tip(meaning));
  drawAlike(part("alike"), meaning);
  drawCompare(part("compare"), meaning);
  drawShares(part("shares"), meaning, count);
}

/** The answer in one line, for a picture's description and for screen readers. */
export function headline({ kind, named, taxon, doubt }) {
  const names = named.map(speciesName);
  switch (kind) {
    case "none":
      return t(doubt ? "answer.none.perhaps" : "answer.none");
    case "one":
      return doubt ? t("answer.perhaps", { name: names[0] }) : names[0];
    case "few":
      return names.length === 2
        ? t("answer.or", { a: names[0], b: names[1] })
        : t("answer.perhaps", { name: names[0] });
    default:
      return taxon ? taxonName(taxon) : t("answer.otherkind");
  }
}

export function words(meaning, count) {
  const { kind, taxon, doubt, reason, agree = true } = meaning;
  if (!agree) return t("card.disagree");
  if (kind === "none") return t(`answer.reason.${reason}`);
  const key = { one: "one", few: "few", taxon: "taxon", other: taxon ? "taxon" : "otherkind" }[kind];
  const sentence = t(`answer.${key}.words`, { count });
  return doubt ? `${sentence} ${t("answer.doubt")}` : sentence;
}

function joint({ photos, agree }) {
  return photos > 1 && agree ? t("card.joint", { count: photos }) : "";
}

function tip({ kind, doubt, tip: texts }) {
  if (kind === "one" && !doubt) return "";
  return texts?.[language()] ?? texts?.en ?? t("answer.tip");
}

function taxonName({ names, id }) {
  return names?.[language()] ?? names?.en ?? id;
}

/** The candidates where there is more than one; none of them is the answer. */
function drawAlike(box, { kind, alike }) {
  box.hidden = kind === "one" || alike.length === 0;
  if (box.hidden) return;
  box.querySelector("h3").textContent = t(
    kind === "few" || kind === "taxon" ? "answer.likes" : "answer.likes.other",
  );
  const rows = alike.map((row) => {
    const item = fromTemplate("candidate");
    item.querySelector(".name").textContent = speciesName(row);
    item.querySelector(".latin").textContent = row.scientific_name;
    return item;
  });
  box.querySelector("ul").replaceChildren(...rows);
}

/** A kind that the model does not know and would take for this one. */
function drawCompare(box, { kind, named }) {
  const other = kind === "one" ? lookAlike(named[0].id) : null;
  box.hidden = !other;
  if (!other) return;
  box.querySelector("b").textContent = other[0];
  box.querySelector("i").textContent = other[1];
}

function drawShares(box, { shares, alike, named }, count) {
  box.hidden = !shares;
  if (!shares) return;
  box.querySelector(".note").textContent = t("answer.shares.note", { count });
  const rows = alike.map((row) => {
    const item = fromTemplate("share");
    item.querySelector(".name").textContent = speciesName(row);
    item.querySelector(".number").textContent = percent(row.probability);
    item.querySelector("meter").value = row.probability;
    item.querySelector("meter").setAttribute("aria-label", speciesName(row));
    return item;
  });
  box.querySelector("ul").replaceChildren(...rows);
  const { cites } = named[0];
  const regulated = box.querySelector(".cites");
  regulated.hidden = !cites || named.length > 1;
  regulated.textContent = cites ? t("answer.cites", { appendix: cites }) : "";
}
