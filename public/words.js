// Numbers and failures as a person says them.

// From the least sure to the surest: below this probability, this word.
const SURE = [
  [0.6, "Perhaps"],
  [0.8, "Probably"],
  [0.95, "Very likely"],
  [Infinity, "Almost certainly"],
];

/** "94 %"; never a flat 0 or 100, which no model can mean. */
export function percent(probability) {
  if (probability > 0.99) return "over 99 %";
  if (probability < 0.01) return "under 1 %";
  return `${Math.round(probability * 100)} %`;
}

/** The verdict as a title and a sentence with its probability. */
export function verdict({ is_parrot: isParrot, probability }) {
  const sure = isParrot ? probability : 1 - probability;
  const [, word] = SURE.find(([limit]) => sure < limit);
  return {
    title: isParrot ? "A parrot" : "No parrot",
    words: isParrot
      ? `${word}, ${percent(probability)}`
      : `${word} not: ${percent(probability)} that it is one`,
  };
}

/** What the set of possible species says, in a sentence. */
export function speciesSet({ coverage, species, unknown }) {
  if (unknown) return "It resembles none of the species that this model knows. The nearest:";
  const found =
    species.length === 1 ? "One species stands out" : `Not certain between ${species.length} species`;
  return `${found}; the true one is marked ${Math.round(coverage * 100)} % of the time.`;
}

/** "820 kB", "3.2 MB". */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The Server-Timing header as "decode 12 ms" and the like. */
export function timings(header) {
  return (header ?? "")
    .split(",")
    .map((entry) => entry.trim().match(/^([\w-]+)(?:;desc="?([^";]*)"?)?;dur=([\d.]+)/))
    .filter(Boolean)
    .map(([, step, description, duration]) => {
      const milliseconds = Number(duration);
      const rounded = milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds);
      return [step, description, `${rounded} ms`].filter(Boolean).join(" ");
    });
}

/** Which appendix, in a sentence. */
export function citesMeaning(appendix) {
  return `International trade is regulated: CITES appendix ${appendix.replace("/", " or ")}`;
}
