// What an answer of the service means, before it is put into words. Pure: no page, no language.
// local/meaning.py says the same for the terminal; words/answers.json has the states and sentences.

const MOST_ROWS = 5;

/**
 * - `state`: a key of `table.states`
 * - `named`: the kinds that it may be, likeliest first; the headline names no other
 * - `group`: the taxon to name where no kind is sure
 * - `alike`: what looks like the one kind of a "yes", and the service does not know
 * - `odd`: of several photos, the positions of those that do not show the bird of the others
 * - `photos`: how many there are; `tip`: what may help, by language, where the service says
 */
export function interpret(answer, table) {
  const { species, set, tip, photos = [] } = answer;
  const likely = set ? species.filter((row) => set.species.includes(row.id)) : species.slice(0, 1);
  const verdict = verdictOf(answer);
  const meaning = { named: [], group: null, alike: [], odd: [], photos: photos.length || 1, tip };
  if (verdict === "no") return { ...meaning, state: refusal(answer, table) };
  const odd = strangers(photos);
  const group = wider(answer, likely);
  const state = `${verdict}.${certainty(answer, likely, group, table)}`;
  const known = state in table.states ? state : `${verdict}.few`; // maybe.two and the like
  const alike = known.endsWith("alike") ? answer.look_alikes : [];
  return { ...meaning, state: known, named: likely.slice(0, MOST_ROWS), group, alike, odd };
}

/** The one kind that the headline names, which a save should suggest; null where it does not. */
export function oneKind({ state, named }) {
  return ["yes.one", "yes.likely", "yes.alike", "yes.likely_alike"].includes(state) ? named[0] : null;
}

/** A verdict that this page does not know yet counts as `is_parrot` says. */
function verdictOf({ parrot }) {
  const known = ["yes", "maybe", "no"].includes(parrot.verdict);
  return known ? parrot.verdict : parrot.is_parrot ? "yes" : "no";
}

/** The photos without a parrot, and the one that agrees with none while all others agree. */
function strangers(photos) {
  const positions = [...photos.keys()];
  const parrots = positions.filter((position) => verdictOf(photos[position]) !== "no");
  if (parrots.length === 0) return [];
  const meet = (a, b) => photos[a].set?.species.some((id) => photos[b].set.species.includes(id));
  const alone = parrots.filter((one) => {
    const others = parrots.filter((other) => other !== one);
    const agree = others.every((a) => others.every((b) => meet(a, b)));
    return others.length > 1 && agree && !others.some((other) => meet(one, other));
  });
  return positions.filter((position) => !parrots.includes(position) || alone.includes(position));
}

function refusal({ parrot, reason }, { states, unsure_from: unsure }) {
  if (`no.${reason}` in states) return `no.${reason}`;
  return parrot.probability < unsure ? "no.sure" : "no.unsure";
}

/** A genus can be a kind: then it is in the set, and not wider than it. */
function wider({ taxon }, likely) {
  if (!taxon || taxon.rank === "species") return null;
  return likely.some((row) => row.id === taxon.id) ? null : taxon;
}

function certainty({ agree = true, parrot, look_alikes: alike }, likely, group, { clear_from: clear }) {
  if (!agree) return "different";
  if (group) return "group";
  if (likely.length === 0) return "unknown";
  if (likely.length > 1) return likely.length === 2 ? "two" : "few";
  if (verdictOf({ parrot }) !== "yes") return "one";
  const unclear = likely[0].probability < clear;
  if (alike) return unclear ? "likely_alike" : "alike";
  return unclear ? "likely" : "one";
}
