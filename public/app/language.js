// The page's language: which one, its words, and putting them where the page wants them.

/** Every language that the page speaks; one more is a line here and a file in words/. */
export const LANGUAGES = { en: "English", ko: "한국어" };

const KEY = "parrot.language";
const TITLE_IS_ENOUGH = ["offline", "stalled"]; // their sentences are about a photo that waits
const SENTENCE_IS_ENOUGH = ["conflict", "not_found", "precondition_failed"];
let current = "en";
let words = {};
let wanted = current;
let table = null;
let months = null; // making a formatter costs as much as using it two hundred times

/** Load the language that the person chose, or the browser prefers. */
export async function start() {
  const wished = [remembered(), ...navigator.languages].map((tag) => tag?.split("-")[0]);
  await speak(wished.find((tag) => tag in LANGUAGES) ?? "en");
}

/** Switch and remember it. */
export async function choose(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Private windows may refuse storage; the choice lasts as long as the page.
  }
  await speak(language);
  document.dispatchEvent(new CustomEvent("language"));
}

/** Let a person choose in a `<select>`. */
export function drawChoice(select) {
  const options = Object.entries(LANGUAGES).map(([tag, name]) => {
    const option = new Option(name, tag);
    option.lang = tag;
    return option;
  });
  select.replaceChildren(...options);
  select.value = current;
  select.addEventListener("change", () => choose(select.value));
}

async function speak(language) {
  wanted = language;
  const loaded = (await import(`../words/${language}.js`)).default;
  if (wanted !== language) return; // the person changed their mind meanwhile
  words = loaded;
  current = language;
  months = new Intl.DateTimeFormat(language, { year: "numeric", month: "long" });
  document.documentElement.lang = language;
  document.title = t("title");
  fill(document);
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function language() {
  return current;
}

/** The words of a key, with `{name}` filled in; a missing key shows itself. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return typeof text === "function" ? text(values) : phrase(text, values);
}

/** A text with `{name}` filled in. */
export function phrase(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Load what answers say: the first one that is shown needs it. */
export async function learnAnswers() {
  table ??= await (await fetch("/words/answers.json")).json();
}

/** Every state of an answer with its sentences: words/answers.json, once it is loaded. */
export function answers() {
  return table;
}

/** The title and the sentence of an error's code. */
export function errorWords(code) {
  return words[`error.${code}`] ?? words["error.internal"];
}

/** An error's code in a line, for a place without a title. */
export function errorLine(code) {
  const [title, sentence] = errorWords(code);
  if (SENTENCE_IS_ENOUGH.includes(code)) return sentence;
  return TITLE_IS_ENOUGH.includes(code) ? `${title}.` : `${title}. ${sentence}`;
}

/** A text that comes in every language. */
export function local(texts) {
  return texts?.[current] ?? texts?.en;
}

/** The name of a kind, a group, a genus or a family. */
export function nameOf({ names, scientific_name: latin, id }) {
  return local(names) ?? latin ?? id;
}

export function percent(probability) {
  if (probability > 0.99) return t("answer.over");
  if (probability < 0.01) return t("answer.under");
  return t("answer.percent", { number: Math.round(probability * 100) });
}

export function size(bytes) {
  if (bytes < 1e6) return t("size.kb", { number: Math.max(1, Math.round(bytes / 1e3)) });
  return t("size.mb", { number: (bytes / 1e6).toFixed(1) });
}

export function day(when) {
  return new Date(when).toLocaleDateString(current, { dateStyle: "long" });
}

/** A day of these weeks, in a small place. */
export function shortDay(when) {
  return new Date(when).toLocaleDateString(current, { month: "short", day: "numeric" });
}

export function month(when) {
  return months.format(when);
}

/** Put words into all elements under `root` that ask for them. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of root.querySelectorAll("[data-place]")) {
    element.placeholder = t(element.dataset.place);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
  }
}
