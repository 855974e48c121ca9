// Photos for a reviewer, loaded ahead: a few at a time, the one to look at first.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import { reviewImage } from "./service.js";

const urls = new Map(); // review id -> promise of an object URL

/** Where a review's photo can be seen. Raises Problem; the next call then tries again. */
export function picture({ id, image }) {
  if (!urls.has(id)) {
    const url = load(image);
    urls.set(id, url);
    url.catch(() => urls.delete(id));
  }
  return urls.get(id);
}

/** Let go of all but these, and load them in order: on a slow network the first one comes first. */
export async function ahead(reviews) {
  const wanted = new Set(reviews.map(({ id }) => id));
  for (const [id, url] of urls) {
    if (wanted.has(id)) continue;
    urls.delete(id);
    url.then(URL.revokeObjectURL, () => {});
  }
  for (const review of reviews) {
    if (!(await picture(review).catch(() => null))) return; // whoever looks at it is told why
  }
}

async function load(address) {
  const blob = await reviewImage(address, { headers: await headersOf(account.key()) });
  return URL.createObjectURL(blob);
}
