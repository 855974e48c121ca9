// The person's birds as they were loaded last, for opening offline.

import * as database from "./database.js";
import * as service from "./service.js";

const MOST = 300; // rows that are kept

const range = (account) => IDBKeyRange.bound([account, ""], [account, "\uffff"]);

/** Observations, newest first. */
export async function observations(account) {
  const rows = (await database.safely(() => database.all("birds", range(account)))) ?? [];
  return rows
    .map((row) => row.observation)
    .sort((a, b) => b.created.localeCompare(a.created) || b.id.localeCompare(a.id));
}

/** Keep what was loaded, as far as there is room; a thumbnail that is there stays. */
export function keep(account, loaded) {
  return database.safely(async () => {
    for (const observation of loaded) {
      const { thumb } = (await database.get("birds", [account, observation.id])) ?? {};
      await database.put("birds", { account, id: observation.id, observation, thumb });
    }
    const all = await observations(account);
    for (const { id } of all.slice(MOST)) await forget(account, id);
  });
}

/** Forget what was deleted. */
export function forget(account, id) {
  return database.safely(() => database.drop("birds", [account, id]));
}

/** Forget everything that is not among these ids and newer than the last of them. */
export async function forgetAllBut(account, ids, oldest) {
  for (const { id, created } of await observations(account)) {
    if (!ids.has(id) && created >= oldest) await forget(account, id);
  }
}

/** The thumbnail as a Blob, loaded once; null where there is none yet. */
export async function thumbnail(account, observation) {
  const row = await database.safely(() => database.get("birds", [account, observation.id]));
  if (row?.thumb) return row.thumb;
  if (!observation.files) return null;
  const thumb = await service.file(service.ownAddress(observation.files.thumbnail));
  const kept = { account, id: observation.id, observation, thumb };
  await database.safely(() => database.put("birds", kept));
  return thumb;
}
