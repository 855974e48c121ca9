// What waits to be sent: saves, deletions and reviews, kept on the device until the service has them.
// The page and the service worker both send; a lock sees to it that only one does at a time.

import { headersOf } from "./credentials.js";
import * as database from "./database.js";
import { asProblem, patiently } from "./problem.js";
import * as service from "./service.js";

export const UNDO_SECONDS = 7;
const SYNC = "outbox";
const channel = new BroadcastChannel("parrot");

/** Call `listener` with what happens to entries: `{id, event, ...}`; returns how to stop it. */
export function listen(listener) {
  const ear = new BroadcastChannel("parrot");
  ear.onmessage = ({ data }) => listener(data);
  return () => ear.close();
}

/** Queue a save: `{id, account, species, text, name, photo}`, perhaps `taken` and `place`. */
export function addSave(entry) {
  return add({ ...entry, kind: "save", due: 0 });
}

/** Queue the deletion of an observation, in so many seconds; until then it can be dropped. */
export function addDeletion(observation, account) {
  const due = Date.now() + UNDO_SECONDS * 1000;
  return add({ id: deletionOf(observation), kind: "delete", account, observation, due });
}

/** Queue a reviewer's decision. */
export function addReview(entry) {
  return add({ ...entry, kind: "review", due: 0 });
}

export function deletionOf(observation) {
  return `delete-${observation}`;
}

/** Take an entry back. */
export async function drop(id) {
  await database.drop("outbox", id);
  tell({ id, event: "dropped" });
}

/** Give one that failed another try. */
export async function again(id) {
  const entry = await database.get("outbox", id);
  if (entry) await database.put("outbox", { ...entry, problem: null });
  return flush();
}

/** A person's entries, oldest first; none where the browser keeps nothing. */
export async function entries(account) {
  const rows = (await database.safely(() => database.all("outbox"))) ?? [];
  return rows.filter((row) => row.account === account).sort((a, b) => a.added - b.added);
}

/** Send what is due, in order; stops where the service cannot be reached. */
export function flush() {
  const locks = navigator.locks; // only with https, or on this very machine
  return locks ? locks.request("parrot-outbox", sendAll) : sendAll();
}

/** Have the browser wake the service worker for what is left when this page is closed. */
async function wakeLater() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.sync?.register(SYNC);
  } catch {
    // No background sync in this browser, or not allowed: it is sent when the page is open.
  }
}

async function add(entry) {
  await database.put("outbox", { ...entry, added: Date.now(), problem: null });
  tell({ id: entry.id, event: "added" });
}

async function sendAll() {
  const strangers = new Set(); // accounts that nobody here can speak for now
  for (;;) {
    const rows = (await database.safely(() => database.all("outbox"))) ?? [];
    const due = rows.filter(
      (row) => !row.problem && row.due <= Date.now() && !strangers.has(row.account),
    );
    if (due.length === 0) return strangers.size === 0;
    due.sort((a, b) => a.added - b.added);
    await wakeLater(); // only now that this page has the lock: it can show the progress
    const code = await send(due[0]);
    if (code === "unauthenticated") strangers.add(due[0].account);
    else if (code !== null) return false;
  }
}

/** The code of what is in the way for now; null where the entry is done with. */
async function send(entry) {
  const { id } = entry;
  try {
    tell({ id, event: "sending", part: 0 });
    const result = await patiently(() => SENDERS[entry.kind](entry), {});
    await database.drop("outbox", id);
    tell({ id, event: "sent", account: entry.account, ...result });
    return null;
  } catch (error) {
    const { code, retry, observation } = asProblem(error);
    if (retry || code === "unauthenticated") {
      tell({ id, event: "waiting", code });
      return code;
    }
    const problem = { code, observation };
    if (entry.kind === "delete") await database.drop("outbox", id); // nobody would ask to send it again
    else if (await database.get("outbox", id)) await database.put("outbox", { ...entry, problem });
    tell({ id, event: "failed", problem, kept: entry.observation });
    return null;
  }
}

const SENDERS = {
  async save({ id, account, photo, ...fields }) {
    const headers = await headersOf(account);
    const progress = (part) => tell({ id, event: "sending", part });
    return service.save(photo, fields, { key: id, headers, progress });
  },
  async delete({ account, observation }) {
    try {
      await service.remove(observation, { headers: await headersOf(account) });
    } catch (error) {
      if (error.code !== "not_found") throw error;
    }
    return { removed: observation };
  },
  /** One that the service does not take, since others settled it for example, is done with too. */
  async review({ account, review, species }) {
    try {
      return { review: await service.decide(review, species, { headers: await headersOf(account) }) };
    } catch (error) {
      const { code, retry } = asProblem(error);
      if (retry || code === "unauthenticated") throw error;
      return { refused: code };
    }
  },
};

function tell(message) {
  channel.postMessage(message);
}
