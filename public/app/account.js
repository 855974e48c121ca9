// Who is using the page. On a server without sign-in that is a name; everybody starts with one.

import { newId } from "./dom.js";

const KEY = "parrot.name";
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const listeners = new Set();
let name = null;

/** Find out who it is. */
export async function start() {
  try {
    name = localStorage.getItem(KEY);
  } catch {
    // Private windows may refuse storage; then the name lasts as long as the page.
  }
  if (!NAME.test(name ?? "")) use(`guest-${newId().slice(0, 8)}`);
}

/** Be somebody else. */
export function use(other) {
  name = other;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // See above.
  }
  for (const listener of listeners) listener();
}

export function changed(listener) {
  listeners.add(listener);
}

/** Whose photos these are, as the outbox and the shelf note it. */
export function key() {
  return `local:${name}`;
}

/** What to call the person. */
export function displayName() {
  return name;
}
