// The birds that were looked at last: photos and answers, on this device only.

import * as database from "./database.js";

const MOST = 24;
const MOST_BYTES = 80_000_000;
const OPEN = "parrot.open"; // the ids of this window's cards: it survives a reload, not the window

/** Keep `{id, at, photos: [{file, area}], answer}`; the oldest that have an answer make room. */
export async function keep(entry) {
  await database.safely(async () => {
    await database.put("recent", entry);
    let bytes = 0;
    for (const [place, { id, photos, answer }] of (await entries()).entries()) {
      bytes += photos.reduce((sum, { file }) => sum + file.size, 0);
      if (answer && id !== entry.id && (place >= MOST || bytes > MOST_BYTES)) await forget(id);
    }
  });
}

/** All of them, newest first; none where the browser keeps nothing. */
export async function entries() {
  const rows = (await database.safely(() => database.all("recent"))) ?? [];
  return rows.sort((a, b) => b.at - a.at);
}

export function forget(id) {
  return database.safely(() => database.drop("recent", id));
}

/** Which of them are cards in this window. */
export function opened() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(OPEN) ?? "[]"));
  } catch {
    return new Set();
  }
}

export function setOpened(ids) {
  try {
    sessionStorage.setItem(OPEN, JSON.stringify([...ids]));
  } catch {
    // Private windows may refuse storage: a reload then starts afresh.
  }
}
