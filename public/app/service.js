// The calls that the page makes.

import { Problem, problemOf } from "./problem.js";
import { request } from "./transport.js";

const BASE = "/parrot-classifier";
const APP = "page"; // Hosting has the release's digest behind it
export const MOST_PHOTOS = 5; // of one bird
const FIELDS = ["species", "text", "training", "taken", "place"]; // of a save
const ALL_KINDS = 1000; // the most that the service lists
const REVIEW_IMAGE_SECONDS = 60;

/** Whether it can be asked; raises Problem where it cannot. */
export function ready() {
  return request(`${BASE}/classify`);
}

/** The verdict on one bird, from one photo or several. */
export async function classify(photos, { headers: others, signal, progress }) {
  const headers = { ...others, "X-App-Version": APP };
  const body = new FormData();
  for (const photo of photos) body.append("image", photo);
  const path = `${BASE}/classify?top=${ALL_KINDS}`;
  return (await request(path, { method: "POST", body, headers, signal, progress })).json;
}

/** The observation, and whether this save made it. `key` makes a retry safe; see FIELDS. */
export async function save(photo, fields, { key, headers, signal, progress }) {
  const body = new FormData();
  body.append("image", photo);
  for (const name of FIELDS) if (fields[name]) body.append(name, fields[name]);
  const answer = await request(`${BASE}/save`, {
    method: "POST",
    body,
    headers: { ...headers, "Idempotency-Key": key },
    signal,
    progress,
  });
  return { observation: answer.json, created: answer.status === 201 };
}

/** A page of the person's own observations, newest first: `{observations, next_page_token}`. */
export async function list({ token, size, headers, signal }) {
  const query = new URLSearchParams({ page_size: size, ...(token && { page_token: token }) });
  return (await request(`${BASE}/observations?${query}`, { headers, signal })).json;
}

/** The person's own that look like this one, the nearest first. */
export async function similar(id, { size, headers }) {
  const path = `${BASE}/observations/${id}/similar?page_size=${size}`;
  return (await request(path, { headers })).json.observations;
}

/** One observation and its tag. */
export async function read(id, { headers, signal }) {
  const answer = await request(`${BASE}/observations/${id}`, { headers, signal });
  return { observation: answer.json, tag: answer.header("ETag") };
}

/** Other fields; raises a Problem `precondition_failed` where `tag` is of an older state. */
export async function change(id, fields, { tag, headers }) {
  const answer = await request(`${BASE}/observations/${id}`, {
    method: "PATCH",
    headers: { ...headers, "Content-Type": "application/json", ...(tag && { "If-Match": tag }) },
    body: JSON.stringify(fields),
  });
  return { observation: answer.json, tag: answer.header("ETag") };
}

export async function remove(id, { headers }) {
  await request(`${BASE}/observations/${id}`, { method: "DELETE", headers });
}

/** A derived file or the original, as a Blob. Raises Problem. */
export async function file(address, { headers, signal } = {}) {
  return blobOf(await answered(address, { headers, signal }));
}

/** Where this page finds a file that the service names by its public address. */
export function ownAddress(address) {
  const { pathname, search } = new URL(address, location.href);
  return pathname + search;
}

/** Where the original is. */
export function originalAddress(id) {
  return `${BASE}/observations/${id}/original`;
}

/** `{species, others}`: the kinds that the model knows, and what else a photo can be saved as. */
export async function kinds() {
  const response = await fetch("/species.json");
  if (!response.ok) throw new Error(`species.json: ${response.status}`);
  const { species, others = [] } = await response.json();
  return { species, others };
}

/** What is kept about the person, in figures. */
export async function me({ headers }) {
  return (await request(`${BASE}/me`, { headers })).json;
}

export const EXPORT = `${BASE}/me/export`;

/** A ZIP of what the person saved, and the address of the next one, null after the last. */
export async function exported(address, { headers }) {
  const response = await answered(address, { headers });
  const [, next] = response.headers.get("Link")?.match(/<([^>]+)>/) ?? [];
  return { blob: await blobOf(response), next: next ? ownAddress(next) : null };
}

/** The next photos to review, so many at most, and how many wait for all reviewers. */
export async function reviews({ size, headers }) {
  const [page, summary] = await Promise.all([
    request(`${BASE}/reviews?page_size=${size}`, { headers }),
    request(`${BASE}/reviews/summary`, { headers }),
  ]);
  return { rows: page.json.reviews, waiting: summary.json.waiting };
}

/** Say what a photo shows, or say it again; the review as it is then. */
export async function decide(id, species, { headers }) {
  const answer = await request(`${BASE}/reviews/${id}`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ species }),
  });
  return answer.json;
}

/** A photo to review, as a Blob. */
export function reviewImage(address, { headers }) {
  return file(address, { headers, signal: AbortSignal.timeout(REVIEW_IMAGE_SECONDS * 1000) });
}

/** The response, whatever it brings. */
async function answered(address, options) {
  const response = await fetch(address, options).catch(() => {
    throw new Problem("offline");
  });
  const header = (name) => response.headers.get(name);
  if (response.ok) return response;
  throw problemOf({ status: response.status, text: await response.text(), header });
}

function blobOf(response) {
  return response.blob().catch(() => {
    throw new Problem("offline"); // it broke off
  });
}

/** Remove everything of the person: `{receipt}`, or `{removed}` where more is left. */
export async function erase({ headers }) {
  return (await request(`${BASE}/me`, { method: "DELETE", headers })).json;
}
