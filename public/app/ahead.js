// Photos for a reviewer, loaded ahead: a few at a time, the one to look at first.

import * as account from "./account.js";
import { showBlob } from "./blobs.js";
import { headersOf } from "./credentials.js";
import { reviewImage } from "./service.js";

const blobs = new Map(); // review id -> promise of its photo

/** Show a review's photo in an img, if it is still wanted then. Raises Problem; the next call tries again. */
export async function show(image, review, wanted = () => true) {
  const blob = await picture(review);
  if (!wanted()) return;
  await showBlob(image, blob);
  await image.decode(); // drawn at once when it is shown
}

/** Let go of all but these, and load them in order: on a slow network the first one comes first. */
export async function ahead(reviews) {
  const wanted = new Set(reviews.map(({ id }) => id));
  for (const id of blobs.keys()) if (!wanted.has(id)) blobs.delete(id);
  for (const review of reviews) {
    if (!(await picture(review).catch(() => null))) return; // whoever looks at it is told why
  }
}

function picture({ id, image }) {
  if (!blobs.has(id)) {
    const blob = load(image);
    blobs.set(id, blob);
    blob.catch(() => blobs.delete(id));
  }
  return blobs.get(id);
}

async function load(address) {
  return reviewImage(address, { headers: await headersOf(account.key()) });
}
