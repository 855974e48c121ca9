// A line at the bottom that says what just happened, perhaps with a way back.

import { announce, byId } from "./dom.js";

const SECONDS = 7;
let timer = null;

export function toast(text, { action, run, seconds = SECONDS } = {}) {
  const box = byId("toast");
  const button = box.querySelector("button");
  box.querySelector("p").textContent = text;
  button.hidden = !action;
  button.textContent = action ?? "";
  button.onclick = () => {
    hide();
    run();
  };
  box.hidden = false;
  box.togglePopover?.(false);
  box.togglePopover?.(true); // above an open dialog, which would cover it
  announce(text);
  clearTimeout(timer);
  timer = setTimeout(hide, seconds * 1000);
}

function hide() {
  clearTimeout(timer);
  byId("toast").hidden = true;
}
