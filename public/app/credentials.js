// The headers that show who is asking, for the page and for the service worker.

import * as database from "./database.js";
import { Problem } from "./problem.js";

const NOTE = "token";
const MARGIN_MS = 60_000;
let refresh = null; // the page has the SDK; the service worker has only what was kept
let attest = null;

/** How to get a fresh token for an account. */
export function refreshBy(action) {
  refresh = action;
}

/** How to show that it is our app that asks, where a deployment wants to know. */
export function attestBy(action) {
  attest = action;
}

/** Keep `{account, token, expires}`. */
export function keep(note) {
  return database.put("notes", { name: NOTE, ...note });
}

export function forget() {
  return database.drop("notes", NOTE);
}

/** An SDK needs the network, or knows that a person is gone: what waits for it can be sent later. */
export function failed(error) {
  console.warn(error);
  const gone = String(error.code).includes("user"); // the browser's own codes are numbers
  throw new Problem(gone ? "unauthenticated" : "offline");
}

/** `account` is what `account.key()` said; null asks as nobody. Raises Problem. */
export async function headersOf(account) {
  const headers = attest ? { "X-Firebase-AppCheck": await attest().catch(failed) } : {};
  if (account === null) return headers;
  const token = account.startsWith("local:") ? account : await tokenOf(account);
  return { ...headers, Authorization: `Bearer ${token}` };
}

async function tokenOf(account) {
  const good = (note) => note?.account === account && note.expires > Date.now() + MARGIN_MS;
  let note = await database.get("notes", NOTE);
  if (!good(note) && refresh) {
    await refresh(account).catch(failed);
    note = await database.get("notes", NOTE);
  }
  if (!good(note)) throw new Problem("unauthenticated");
  return note.token;
}
