// Rows of the database whose Blobs are bytes, for browsers that keep none: see database.js.

/** A row with the bytes of its Blobs, wherever they are in it. */
export async function packed(row) {
  const parts = [];
  const pack = (value) => {
    if (!(value instanceof Blob)) return inside(value, pack);
    const { type, name } = value;
    const part = { type, name };
    parts.push(value.arrayBuffer().then((bytes) => Object.assign(part, { bytes })));
    return part;
  };
  const made = { ...pack(row), packed: true };
  await Promise.all(parts);
  return made;
}

/** The row as it was. */
export function unpacked({ packed: _, ...row }) {
  const unpack = (value) => {
    if (!(value?.bytes instanceof ArrayBuffer)) return inside(value, unpack);
    const { bytes, type, name } = value;
    return name ? new File([bytes], name, { type }) : new Blob([bytes], { type });
  };
  return unpack(row);
}

/** A copy of plain lists and objects, with `change` done to what is in them. */
function inside(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(part)]));
}
