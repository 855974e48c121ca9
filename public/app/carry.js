// Birds of an anonymous account, taken along into an account that existed before.

import { headersOf } from "./credentials.js";
import { newId } from "./dom.js";
import * as outbox from "./outbox.js";
import * as service from "./service.js";

const PAGE = 100;

export const carry = { load, queue };

/** Everything that an account has saved, with the originals; without what has none. */
async function load(account) {
  const birds = [];
  let token;
  do {
    const headers = await headersOf(account);
    const page = await service.list({ token, size: PAGE, headers });
    for (const { id, species, labels, sighting, training } of page.observations) {
      const photo = await original(id, headers);
      const said = { text: labels.at(-1)?.text, training: training?.toString() };
      if (photo) birds.push({ photo, species, ...said, ...fieldsOf(sighting) });
    }
    token = page.next_page_token;
  } while (token);
  return birds;
}

/** The photo; null where it never arrived, or was removed. */
async function original(id, headers) {
  try {
    return await service.file(service.originalAddress(id), { headers });
  } catch (error) {
    if (error.code !== "not_found") throw error;
    return null;
  }
}

/** When and where, as a save sends it. */
function fieldsOf({ taken, latitude, longitude } = {}) {
  return { taken, place: latitude == null ? "" : `${latitude},${longitude}` };
}

/** Save them again, as another account; the outbox sees to it that none is lost. */
async function queue(birds, account) {
  for (const bird of birds) await outbox.addSave({ id: newId(), account, name: "", ...bird });
  outbox.flush();
}
