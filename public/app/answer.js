// What an answer of the service means, before it is put into words. Pure: no page, no language.

const WORTH_A_ROW = 0.01;
const MOST_ROWS = 5;
const SURELY_A_PARROT = 0.9;
const SURELY_NOT = 0.2;

/**
 * - `kind`: "one", "few" (the model cannot tell them apart), "taxon" (sure of a group only),
 *   "other" (a parrot that it does not know) or "none"
 * - `named`: the species of the headline, likeliest first; `taxon` where the group is the headline
 * - `alike`: the species to show beside it; `shares`: whether their probabilities mean something
 * - `reason`: why it is none; `tip`: what may help, by language, where the service says
 * - `doubt`: it may be no parrot, or the other way round
 * - `photos`: how many there are; `agree`: whether they may show one bird
 */
export function interpret({ parrot, species, set, taxon, reason, tip, photos, agree = true }) {
  const count = photos?.length ?? 1;
  const base = { named: [], taxon: null, alike: [], shares: false, photos: count, agree };
  if (!parrot.is_parrot) {
    const doubt = parrot.probability > SURELY_NOT;
    return { ...base, kind: "none", reason: reason ?? (doubt ? "unsure" : "sure"), tip, doubt };
  }
  const doubt = parrot.probability < SURELY_A_PARROT;
  const wide = taxon && taxon.rank !== "species" ? taxon : null;
  const likely = set ? species.filter((row) => set.species.includes(row.id)) : species.slice(0, 1);
  if (likely.length === 0) {
    return { ...base, kind: "other", taxon: wide, alike: species.slice(0, 3), doubt };
  }
  if (likely.length === 1 && !wide) {
    const rest = species.filter((row) => row.id !== likely[0].id);
    const alike = [likely[0], ...rest.filter((row) => row.probability >= WORTH_A_ROW)];
    return { ...base, kind: "one", named: likely, alike, shares: true, doubt };
  }
  const alike = likely.slice(0, MOST_ROWS);
  if (wide) return { ...base, kind: "taxon", taxon: wide, named: likely, alike, doubt };
  return { ...base, kind: "few", named: likely, alike, shares: true, doubt };
}

/** The species that a save should suggest, or null where the model has no clear idea. */
export function suggestion({ kind, named }) {
  return kind === "one" || kind === "few" ? named[0].id : null;
}
