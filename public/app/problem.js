// What went wrong, as the service tells it or as its like; people read it by its code.

const OFFLINE_AGAIN = [1, 4]; // seconds before the tries after the first one
const AGAIN = new Set([408, 429, 502, 503, 504]);

export class Problem extends Error {
  /**
   * `retryAfter` is in seconds; null: no idea. `observation` is the one that is in the way, `photo`
   * which of several photos it is about, from 1.
   */
  constructor(code, { status = 0, detail = "", retryAfter = null, observation = null, photo } = {}) {
    super(detail || code);
    Object.assign(this, { code, status, detail, retryAfter, observation, photo });
  }

  /** Whether the same request may work soon. */
  get retry() {
    return this.code === "offline" || this.code === "stalled" || AGAIN.has(this.status);
  }

  /** Whether a person may try again with the same photo: later, or once they have signed in. */
  get open() {
    return this.retry || this.code === "cancelled" || this.status === 401 || this.status >= 500;
  }
}

/** The problem+json of a response; a proxy in between may speak HTML, then the status has to do. */
export function problemOf({ status, text, header }) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // See above.
  }
  const seconds = Number.parseInt(header("Retry-After") ?? "", 10);
  return new Problem(body.code ?? "internal", {
    status,
    detail: body.detail,
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    observation: body.observation ?? null,
    photo: body.photo,
  });
}

/** Any error as a Problem. */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  if (error.name === "AbortError") return new Problem("cancelled");
  if (error.name === "QuotaExceededError") return new Problem("full");
  console.error(error);
  return new Problem("page", { detail: String(error) });
}

/** Run `action` until it works or trying again is pointless; `waiting` is told the seconds. */
export async function patiently(action, { signal, waiting = () => {} }) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      const hopeless = !(error instanceof Problem) || !error.retry || tries >= OFFLINE_AGAIN.length;
      if (hopeless || !navigator.onLine) throw error;
      const seconds = Math.min(error.retryAfter ?? OFFLINE_AGAIN[tries], 60);
      waiting(seconds);
      await pause(seconds, signal);
    }
  }
}

/** Wait; an abort ends it with an AbortError. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
