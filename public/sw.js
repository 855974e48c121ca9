// The page without a network: its files are kept, and what waits is sent when there is one again.

import { flush } from "./app/outbox.js";

const CACHE = "page";
const PATIENCE_SECONDS = 4; // then the kept file is shown; the new one is kept for the next time
const FILES = [
  "/",
  "/style.css",
  "/birds.css",
  "/kinds",
  "/kinds.css",
  "/kinds.json",
  "/review",
  "/review.css",
  "/species.json",
  "/config.json",
  "/manifest.webmanifest",
  "/favicon.svg",
  "/mark.svg",
  "/icons/192.png",
  "/words/en.js",
  "/words/ko.js",
  "/words/answers.json",
  ...[
    "account",
    "account-firebase",
    "account-local",
    "ahead",
    "answer",
    "answer-view",
    "arrange",
    "bird",
    "birds",
    "blobs",
    "blurhash",
    "bytes",
    "candidates",
    "card",
    "carry",
    "credentials",
    "crop",
    "database",
    "desk",
    "dom",
    "each",
    "exif",
    "history",
    "identify",
    "keep",
    "kinds",
    "language",
    "main",
    "outbox",
    "picture",
    "plate",
    "privacy",
    "problem",
    "recent",
    "review",
    "service",
    "share",
    "shelf",
    "similar",
    "species-select",
    "tile",
    "toast",
    "training",
    "transport",
  ].map((name) => `/app/${name}.js`),
];

self.addEventListener("install", (event) => {
  event.waitUntil(keep());
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("sync", (event) => {
  event.waitUntil(sent());
});

self.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  const { origin, pathname } = new URL(url);
  const path = mode === "navigate" ? pageOf(pathname) : pathname;
  if (method !== "GET" || origin !== location.origin) return;
  if (FILES.includes(path) || path.startsWith("/plates/")) event.respondWith(answer(event, path));
});

/** One page shows all kinds. */
function pageOf(path) {
  if (path.startsWith("/kinds/")) return "/kinds";
  return path === "/index.html" ? "/" : path;
}

/** The page's files, and then the plates: without them it works too. */
async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  const { kinds } = await (await cache.match("/kinds.json")).json();
  const plates = new Set(Object.values(kinds).flatMap((kind) => kind.plates));
  await cache.addAll([...plates].map((plate) => `/plates/${plate}.svg`)).catch(() => {});
}

/** From the network, kept for next time if there is room; from what is kept where it is away or slow. */
async function answer(event, path) {
  const cache = await caches.open(CACHE);
  const fetched = fetch(event.request).then(async (response) => {
    if (response.ok) await cache.put(path, response.clone()).catch(() => {});
    return response;
  });
  event.waitUntil(fetched.catch(() => {}));
  const kept = await cache.match(path);
  if (!kept) return fetched;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_SECONDS * 1000, kept));
  const better = fetched.then((response) => (response.status < 500 ? response : kept));
  return Promise.race([better.catch(() => kept), late]);
}

/** Raising makes the browser try again later. */
async function sent() {
  if (!(await flush())) throw new Error("not everything is sent");
}
