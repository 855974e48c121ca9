// Who is using the page: a name on a server without sign-in, or a Firebase user.

import * as localAccount from "./account-local.js";

const listeners = new Set();
let provider = localAccount;

/** Find out how people sign in here, and who this is. */
export async function start() {
  const config = await settings();
  if (config.signIn === "firebase") provider = await import("./account-firebase.js");
  await provider.start(config, () => {
    for (const listener of listeners) listener();
  });
}

async function settings() {
  try {
    const response = await fetch("/config.json");
    return response.ok ? await response.json() : {};
  } catch {
    return {}; // offline, and never loaded before
  }
}

/** Be told when it is somebody else. */
export function changed(listener) {
  listeners.add(listener);
}

/** Whose photos these are, as outbox and shelf note it; null before anything was saved. */
export function key() {
  return provider.key();
}

/** The same, and from now on somebody: saving needs an account, an anonymous one if need be. */
export function ensure() {
  return provider.ensure();
}

/** Whether this is a reviewer, as far as this device knows. */
export function reviewer() {
  return provider.reviewer();
}

/** Show the dialog where people say who they are. */
export function open() {
  return provider.open();
}
