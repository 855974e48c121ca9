// The choice of what a photo shows: the likeliest first, all kinds, and what is none of them.

import { language, nameOf, t } from "./language.js";

export const OTHER_PARROT = "other-parrot";

/** Fill `select`; `ranked` are suggested, `chosen` is selected, null asks the person to choose. */
export function fillSelect(select, { species, others }, { ranked = [], chosen = null }) {
  const rest = species
    .filter((row) => !ranked.some((other) => other.id === row.id))
    .sort((a, b) => nameOf(a).localeCompare(nameOf(b), language()));
  const beside = others.map((id) => new Option(t(`keep.${id}`), id));
  select.replaceChildren(
    ...(chosen === null ? [new Option(t("keep.choose"), "")] : []),
    ...group("keep.suggested", ranked.map(option)),
    ...group("keep.all", rest.map(option)),
    ...group("keep.others", beside),
  );
  select.value = chosen ?? "";
}

/** What a saved label is called. */
export function labelName({ species: id, text }, { species }) {
  if (text) return text;
  if (id === null || id === undefined) return t("birds.unnamed");
  const row = species.find((candidate) => candidate.id === id);
  if (row) return nameOf(row);
  const words = t(`keep.${id}`);
  return words === `keep.${id}` ? id : words;
}

/** What a change to this label sends. */
export function named(species, text) {
  return { species, ...(text && { text }) };
}

function option(row) {
  return new Option(nameOf(row), row.id);
}

function group(title, options) {
  if (options.length === 0) return [];
  const element = document.createElement("optgroup");
  element.label = t(title);
  element.append(...options);
  return [element];
}
