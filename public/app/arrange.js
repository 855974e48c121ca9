// The order of My birds: found by words, under headings of months or kinds. Pure but for language.

import { language, month } from "./language.js";

/** `[{heading, tiles}]`, newest first; `query` in words, `by` "date" or "kind". */
export function arrange(tiles, { by, query }, kinds) {
  const words = query.toLocaleLowerCase(language()).split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const tile of [...tiles].sort((a, b) => b.when - a.when)) {
    const when = month(tile.when);
    const text = `${tile.name(kinds)} ${otherNames(tile, kinds)} ${when}`;
    const letters = text.toLocaleLowerCase(language());
    if (!words.every((word) => letters.includes(word))) continue;
    const heading = by === "kind" ? tile.name(kinds) : when;
    if (!groups.has(heading)) groups.set(heading, []);
    groups.get(heading).push(tile);
  }
  const rows = [...groups].map(([heading, found]) => ({ heading, tiles: found }));
  return by === "kind" ? rows.sort((a, b) => a.heading.localeCompare(b.heading, language())) : rows;
}

/** The names in other languages and in Latin. */
function otherNames({ species }, kinds) {
  const row = kinds.species.find(({ id }) => id === species);
  return row ? [row.scientific_name, ...Object.values(row.names)].join(" ") : "";
}

/** Put elements into `list` in this order; one that is in its place is not touched, and keeps the focus. */
export function place(list, elements) {
  const wanted = new Set(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  let next = list.firstChild;
  for (const element of elements) {
    if (element === next) next = next.nextSibling;
    else list.insertBefore(element, next);
  }
}
