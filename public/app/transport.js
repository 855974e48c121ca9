// One request, with the progress of its upload; it fails where nothing moves, however long it takes.

import { Problem, problemOf } from "./problem.js";

const STALLED_SECONDS = 60;
const SLOWEST_BYTES_PER_MS = 4; // the service ends what is slower,
const LONGEST_SECONDS = 240; // and what takes longer
let reached = true;

/** Whether the last request reached the service; each one's end is told by the event "reached". */
export function reachable() {
  return reached;
}

/**
 * Answers `{status, json, header(name)}`; raises Problem or AbortError.
 * `progress` is told which part of the body is sent, from 0 to 1.
 */
export async function request(path, { method = "GET", headers = {}, body, signal, progress } = {}) {
  // A service worker has no XMLHttpRequest, and fetch tells nothing of an upload's progress.
  const send = typeof XMLHttpRequest === "undefined" || !progress ? byFetch : byXhr;
  try {
    const answer = await send(path, { method, headers, body, signal, progress });
    reached = true;
    return answer;
  } catch (error) {
    if (error.code === "offline") reached = false;
    else if (error.status) reached = true; // the service refused; one that was ended says nothing
    throw error;
  } finally {
    self.dispatchEvent(new Event("reached"));
  }
}

async function byFetch(path, { method, headers, body, signal }) {
  const stalled = new AbortController();
  const sending = Math.min(LONGEST_SECONDS * 1000, sizeOf(body) / SLOWEST_BYTES_PER_MS);
  const patience = STALLED_SECONDS * 1000 + sending;
  const timer = setTimeout(() => stalled.abort(), patience);
  const stop = () => stalled.abort();
  signal?.addEventListener("abort", stop);
  try {
    const response = await fetch(path, { method, headers, body, signal: stalled.signal });
    const header = (name) => response.headers.get(name);
    return answer({ status: response.status, text: await response.text(), header });
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (signal?.aborted) throw signal.reason;
    throw new Problem(stalled.signal.aborted ? "stalled" : "offline");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Bytes of a form's photos: nothing tells how much of them is sent. */
function sizeOf(body) {
  const parts = body instanceof FormData ? [...body.values()] : [];
  return parts.reduce((sum, part) => sum + (part.size ?? 0), 0);
}

function byXhr(path, { method, headers, body, signal, progress }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    let timer;
    const moving = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(() => reject(new Problem("stalled"))), STALLED_SECONDS * 1000);
    };
    const stop = () => end(() => reject(signal.reason));
    const end = (settle) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      settle();
      xhr.abort();
    };
    xhr.upload.onprogress = (event) => {
      moving();
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    xhr.onerror = () => end(() => reject(new Problem("offline")));
    xhr.onload = () =>
      end(() => {
        const header = (name) => xhr.getResponseHeader(name);
        try {
          resolve(answer({ status: xhr.status, text: xhr.responseText, header }));
        } catch (error) {
          reject(error);
        }
      });
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener("abort", stop, { once: true });
    xhr.open(method, path);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    moving();
    xhr.send(body);
  });
}

function answer({ status, text, header }) {
  if (status >= 400) throw problemOf({ status, text, header });
  if (status === 204) return { status, json: null, header };
  try {
    return { status, json: JSON.parse(text), header };
  } catch {
    throw new Problem("offline"); // a captive portal's page, or an answer that broke off
  }
}
