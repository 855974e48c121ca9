// What a reviewer is offered for a photo, and what a search finds. Pure but for language.

import { language, nameOf } from "./language.js";
import { OTHER_PARROT } from "./species-select.js";

export const MOST = 5; // keys 1 to 5
const NOT_A_PARROT = "not-a-parrot";

/** Ids: what the owner says, what the model says, and what these are mistaken for. */
export function candidates({ label, verdict }, kinds) {
  const said = [label?.species, ...(verdict?.set?.species ?? []), verdict?.species];
  const alike = said.flatMap((id) => kinds.get(id)?.alike ?? []);
  return [...new Set([...said, ...alike])].filter((id) => kinds.has(id)).slice(0, MOST);
}

/** What the model holds possible: ids. */
export function modelSays({ verdict }) {
  if (!verdict) return [];
  if (verdict.parrot.verdict === "no") return [NOT_A_PARROT];
  if (verdict.set?.unknown) return [OTHER_PARROT];
  return verdict.set?.species ?? [verdict.species];
}

/** Ids of kinds whose names have all these words; a name that begins with them comes first. */
export function matches(query, kinds) {
  const lower = (text) => text.toLocaleLowerCase(language());
  const wanted = lower(query.trim());
  const rows = [...kinds.values()].map((row) => {
    const names = [...Object.values(row.names), row.scientific_name ?? ""].map(lower);
    return { id: row.id, name: nameOf(row), names, begins: names.some((name) => name.startsWith(wanted)) };
  });
  const found = rows.filter(({ names }) => wanted.split(/\s+/).every((word) => `${names}`.includes(word)));
  found.sort((a, b) => b.begins - a.begins || a.name.localeCompare(b.name, language()));
  return found.slice(0, MOST).map(({ id }) => id);
}
