// Plates: the table of kinds, and a kind as a figure with its drawing, its name and its marks.

import { styled } from "./dom.js";
import { local, nameOf } from "./language.js";

const MOST_FIGURES = 3;
let loading = null;

/** `{kinds, sources}`; asked for once, and again after a failure. */
export function table() {
  loading ??= load();
  loading.catch(() => (loading = null));
  return loading;
}

async function load() {
  const response = await fetch("/kinds.json");
  if (!response.ok) throw new Error(`kinds.json: ${response.status}`);
  return response.json();
}

/** An element with a class and what is in it. */
export function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content.filter((part) => part !== null));
  return made;
}

/** The drawings of a kind; for a group those of some members. Words beside them say what they show. */
export function drawings({ plates }) {
  const images = plates.map((plate) => {
    const image = element("img");
    Object.assign(image, { src: `/plates/${plate}.svg`, alt: "", width: 160, height: 160 });
    return image;
  });
  return element("span", "drawings", ...images);
}

/** The marks to look for, as a list. */
export function marks(kind) {
  return element("ul", "marks", ...kind.marks.map((mark) => element("li", "", local(mark))));
}

/** The kind's scientific name. */
export function latin({ scientific_name: name }) {
  if (!name) return null;
  const made = element("i", "latin", name);
  made.lang = "la";
  return made;
}

/** A kind in short: its drawing and name, which lead to its page, and more below if there is any. */
export function figure(id, kind, ...more) {
  const link = element("a", "", drawings(kind), element("b", "", nameOf(kind)));
  link.href = `/kinds/${id}`;
  return element("figure", "plate", link, element("figcaption", "", latin(kind), ...more));
}

/** Plates of kinds in a card's box, and of what one kind is mistaken for; hidden without any. */
export async function drawComparison(box, ids) {
  box.dataset.ids = ids;
  if (ids.length === 0) return;
  const parts = [table(), styled("/kinds.css")];
  const [{ kinds }] = await Promise.all(parts).catch(() => [{ kinds: {} }]);
  if (box.dataset.ids !== String(ids)) return; // another answer meanwhile
  const all = ids.length === 1 ? [...ids, ...(kinds[ids]?.alike ?? [])] : ids;
  const known = all.filter((id) => id in kinds).slice(0, MOST_FIGURES);
  const figures = known.map((id) => figure(id, kinds[id], marks(kinds[id])));
  box.querySelector(".plates").replaceChildren(...figures);
  box.hidden = figures.length === 0;
}
