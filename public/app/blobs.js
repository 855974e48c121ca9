// Blobs: shown as a picture, stored as a file.

/** Show a picture in an img, which needs its address only until it has loaded. Rejects where it cannot. */
export function showBlob(image, blob) {
  const url = URL.createObjectURL(blob);
  return new Promise((resolve, reject) => {
    const once = { once: true };
    image.addEventListener("load", resolve, once);
    image.addEventListener("error", reject, once);
    image.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}

/** Have the browser store a file, which it may read only after a while. */
export function store(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
