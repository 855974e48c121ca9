// On a server without sign-in a name is the account; everybody starts with one.

import { byId, newId, opened } from "./dom.js";

const KEY = "parrot.name";
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
let name = null;
let reviewers = [];
let tell = () => {};

export async function start(config, changed) {
  tell = changed;
  reviewers = config.reviewers ?? [];
  try {
    name = localStorage.getItem(KEY);
  } catch {
    // Private windows may refuse storage; then the name lasts as long as the page.
  }
  if (!NAME.test(name ?? "")) use(`guest-${newId().slice(0, 8)}`);
}

export function key() {
  return `local:${name}`;
}

export function reviewer() {
  return reviewers.includes(name);
}

export async function ensure() {
  return key();
}

export async function open() {
  const dialog = byId("account");
  const input = dialog.querySelector("input");
  const check = () => {
    const fits = NAME.test(input.value);
    input.setAttribute("aria-invalid", String(!fits));
    dialog.querySelector("[value=use]").disabled = !fits;
  };
  input.value = name;
  input.oninput = check;
  dialog.returnValue = "";
  check();
  if ((await opened(dialog)) === "use" && NAME.test(input.value)) use(input.value);
}

function use(other) {
  name = other;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // See above.
  }
  tell();
}
