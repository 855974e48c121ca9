// A bird's photos one by one: what each says alone, and which of them are kept.

import { headline } from "./answer-view.js";
import { interpret } from "./answer.js";
import { fromTemplate } from "./dom.js";
import { answers as table, t } from "./language.js";

/** Draw the answer for each photo alone; nothing where there is only one. */
export function drawEach(box, answers, pictures) {
  box.hidden = answers.length < 2 || answers.length !== pictures.length;
  if (box.hidden) return;
  const rows = answers.map((answer, index) => {
    const row = fromTemplate("own");
    drawThumb(row, pictures[index], index);
    row.querySelector(".name").textContent = headline(interpret(answer, table()));
    return row;
  });
  box.querySelector("ul").replaceChildren(...rows);
}

/** Draw which photos are to be kept, and remember it in each picture; `changed` is called then. */
export function drawChoice(box, pictures, changed) {
  box.hidden = pictures.length < 2;
  if (box.hidden) return;
  const rows = pictures.map((picture, index) => {
    const row = fromTemplate("choice");
    drawThumb(row, picture, index);
    const input = row.querySelector("input");
    input.checked = picture.wanted;
    input.setAttribute("aria-label", t("keep.photo", { number: index + 1 }));
    input.addEventListener("change", () => {
      picture.chosen = input.checked;
      changed();
    });
    return row;
  });
  box.querySelector("ul").replaceChildren(...rows);
}

/** The picture, or its number where this browser cannot show it. */
export async function drawThumb(row, picture, index) {
  const image = row.querySelector("img");
  image.src = picture.preview;
  image.alt = t("card.photo.number", { number: index + 1 });
  image.hidden = !(await picture.open());
  row.querySelector(".ordinal").hidden = !image.hidden;
  row.querySelector(".ordinal").textContent = t("card.photo.number", { number: index + 1 });
}
