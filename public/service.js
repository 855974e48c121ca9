// The service over HTTP. Every failure, whatever its cause, becomes a Problem.

const BASE = "/parrot-classifier";
const TIMEOUT_SECONDS = 90; // a function that starts cold, behind a slow phone line

/** What went wrong: the service's problem+json, or its like for a request that got no answer. */
export class Problem extends Error {
  constructor({ title, detail = "", code = "", type = "", retryAfter = null, retry = false }) {
    super(title);
    Object.assign(this, { title, detail, code, type, retryAfter, retry });
  }
}

/** The person cancelled; not a problem to show. */
export class Cancelled extends Error {}

/** Verdict, species and the request's timing header. */
export async function classify(file, signal) {
  const response = await post("classify", { image: file }, {}, signal);
  return { ...(await json(response)), timing: response.headers.get("Server-Timing") };
}

/** The observation, and whether this save made it. */
export async function save(file, species, name, signal) {
  const headers = name ? { Authorization: `Bearer local:${name}` } : {};
  const response = await post("save", { image: file, species }, headers, signal);
  return { observation: await json(response), created: response.status === 201 };
}

/** All species, by class index. */
export async function allSpecies() {
  const response = await fetch("/species.json");
  if (!response.ok) throw new Error(`species.json: ${response.status}`);
  return (await response.json()).species;
}

async function post(what, fields, headers, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, TIMEOUT_SECONDS * 1000);
  signal.addEventListener("abort", stop);
  try {
    const response = await fetch(`${BASE}/${what}`, {
      method: "POST",
      body,
      headers,
      signal: limit.signal,
    });
    if (!response.ok) throw await problem(response);
    return response;
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (signal.aborted) throw new Cancelled();
    throw limit.signal.aborted ? tooSlow() : unreachable();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function json(response) {
  try {
    return await response.json();
  } catch {
    throw unreachable(); // the answer broke off on its way
  }
}

async function problem(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // A proxy in between speaks HTML; the status has to do.
  }
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Problem({
    title: said.title ?? "The service could not answer",
    detail: said.detail ?? `It said ${response.status}, without a reason.`,
    code: said.code,
    // Only our own pages are linked, whatever a proxy answers.
    type: typeof said.type === "string" && said.type.startsWith(`${BASE}/`) ? said.type : "",
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    retry: response.status >= 500 || response.status === 429,
  });
}

function tooSlow() {
  return new Problem({
    title: "No answer in time",
    detail: `The service did not answer within ${TIMEOUT_SECONDS} seconds. Your photo is still here.`,
    code: "slow",
    retry: true,
  });
}

function unreachable() {
  return new Problem({
    title: "No connection",
    detail: "The service cannot be reached. Your photo is still here; check the network.",
    code: "offline",
    retry: true,
  });
}
