// More of a bird: the person's own photos that look like it.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import * as outbox from "./outbox.js";
import * as service from "./service.js";
import { Tile } from "./tile.js";

const MOST = 12;

/** Tiles, the nearest first; none where there is no network. `open(tile)` is called for a tapped one. */
export async function similar(id, kinds, open) {
  const who = account.key();
  try {
    const rows = await service.similar(id, { size: MOST, headers: await headersOf(who) });
    const leaving = new Set((await outbox.entries(who)).map(({ observation }) => observation));
    return rows.filter((row) => !leaving.has(row.id)).map((observation) => {
      const tile = new Tile({ observation }, kinds, () => open(tile));
      return tile;
    });
  } catch {
    return [];
  }
}
