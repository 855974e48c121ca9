// What an app does, by openapi-fetch with the types of openapi-typescript: URL, TOKEN, PHOTO.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

type Schemas = components["schemas"];

const [url, token, path] = process.argv.slice(2);
const photo = new Blob([readFileSync(path!)]);
const headers = { Authorization: `Bearer ${token}` };
const client = createClient<paths>({ baseUrl: url!, headers });

/** A form whose parts `image` are these photos: the types say string for what is binary. */
function form(photos: Blob[], fields: Record<string, string> = {}) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  for (const blob of photos) data.append("image", blob);
  return () => data;
}

function classify(photos: Blob[]) {
  const body: Schemas["ClassifyForm"] = { image: [] };
  return client.POST("/parrot-classifier/classify", { body, bodySerializer: form(photos) });
}

const nameOf = (answer: Schemas["ClassifyAnswer"]) =>
  "photos" in answer ? "JointClassification" : "Classification";
const single = (await classify([photo])).data!;
const joint = (await classify([photo, photo])).data!;
const refused = (await classify([new Blob(["<html>"])])).error!;
const saved = await client.POST("/parrot-classifier/save", {
  params: { header: { "Idempotency-Key": "one-key" } },
  body: { image: "" },
  bodySerializer: form([photo], { species: "ara-ararauna" }),
});
const observation = saved.data!;
const page = await client.GET("/parrot-classifier/observations", {
  params: { query: { page_size: 5 } },
});
const one = { id: observation.id };
const changed = await client.PATCH("/parrot-classifier/observations/{id}", {
  params: { path: one, header: { "If-Match": saved.response.headers.get("ETag")! } },
  body: { species: "ara-macao" },
});
const deleted = await client.DELETE("/parrot-classifier/observations/{id}", {
  params: { path: one },
});
console.log(
  JSON.stringify({
    types: [nameOf(single), nameOf(joint)],
    verdict: single.parrot.verdict,
    photos: "photos" in joint ? joint.photos.length : 0,
    code: refused.code,
    listed: page.data!.observations.map((row) => row.id === observation.id),
    year: new Date(observation.created).getFullYear(),
    status: observation.status,
    species: changed.data!.species,
    deleted: deleted.response.status,
  }),
);
