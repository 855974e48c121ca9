// Elements: found, made from templates, shown and hidden.

import { fill } from "./language.js";

const styles = new Map(); // address -> promise
export const byId = (id) => document.getElementById(id);

/** A copy of a template's element, in the page's language. */
export function fromTemplate(id) {
  const fragment = byId(id).content.cloneNode(true);
  fill(fragment);
  return fragment.firstElementChild;
}

/** A random id. Unlike crypto.randomUUID it works without https. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Open a dialog and wait until it is closed; a click beside it closes it. */
export function opened(dialog) {
  dialog.showModal();
  const closer = dialog.querySelector(".close");
  if (closer) closer.onclick = () => dialog.close();
  return new Promise((resolve) => {
    const beside = (event) => event.target === dialog && dialog.close();
    dialog.addEventListener("pointerdown", beside);
    dialog.addEventListener(
      "close",
      () => {
        dialog.removeEventListener("pointerdown", beside);
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

/** Tell screen readers. */
export function announce(text) {
  byId("news").textContent = text;
}

/** Load a stylesheet, once; resolves when it applies. Rejects where it cannot be had. */
export function styled(address) {
  if (!styles.has(address)) styles.set(address, load(address));
  return styles.get(address);
}

function load(address) {
  const link = document.createElement("link");
  return new Promise((resolve, reject) => {
    const failed = () => {
      styles.delete(address);
      link.remove();
      reject(new Error(address));
    };
    Object.assign(link, { rel: "stylesheet", href: address, onload: resolve, onerror: failed });
    document.head.append(link);
  });
}
