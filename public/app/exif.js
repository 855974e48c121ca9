// When and where a photo was taken, as its camera wrote it: read only if the person wants it kept.

const HEAD_BYTES = 1 << 19; // cameras write it at the front
// "Exif" and TIFF's first bytes, in JPEG and HEIC alike.
const TIFFS = ["II*\0", "MM\0*"].map((order) => [...`Exif\0\0${order}`].map((c) => c.charCodeAt()));
const [EXIF, GPS, TAKEN, CHANGED] = [0x8769, 0x8825, 0x9003, 0x0132];
const [SOUTH_NORTH, LATITUDE, WEST_EAST, LONGITUDE] = [1, 2, 3, 4];

/** `{taken, place}`, texts as the service takes them; "" where the file does not say. */
export async function seen(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  try {
    const tiff = new Tiff(new DataView(bytes.buffer, start(bytes)));
    const first = tiff.entries(tiff.number(4, 4));
    return { taken: taken(tiff, first), place: place(tiff, first) };
  } catch {
    return { taken: "", place: "" }; // there is none, or it is damaged
  }
}

function start(bytes) {
  const begins = (from) => (mark) => mark.every((byte, step) => bytes[from + step] === byte);
  const at = bytes.findIndex((_, from) => TIFFS.some(begins(from)));
  if (at < 0) throw new RangeError("no Exif");
  return at + 6;
}

function taken(tiff, first) {
  const more = first.has(EXIF) ? tiff.entries(tiff.number(first.get(EXIF) + 8, 4)) : first;
  const text = tiff.text(more.get(TAKEN) ?? first.get(TAKEN) ?? first.get(CHANGED));
  // A year of zeros, where a camera has no clock; browsers take February 30 for March.
  const [, date, time] = text.match(/^((?!0000)\d{4}:\d\d:\d\d) (\d\d:\d\d:\d\d)/) ?? [];
  const when = `${date?.replaceAll(":", "-")}T${time}`;
  return new Date(`${when}Z`).toJSON()?.startsWith(when) ? when : "";
}

function place(tiff, first) {
  if (!first.has(GPS)) return "";
  const entries = tiff.entries(tiff.number(first.get(GPS) + 8, 4));
  const sides = [tiff.degrees(entries.get(LATITUDE)), tiff.degrees(entries.get(LONGITUDE))];
  if (tiff.text(entries.get(SOUTH_NORTH)) === "S") sides[0] *= -1;
  if (tiff.text(entries.get(WEST_EAST)) === "W") sides[1] *= -1;
  // Two zeros are a camera without a fix: no parrot lives there.
  const known = Math.abs(sides[0]) <= 90 && Math.abs(sides[1]) <= 180 && sides.some(Boolean);
  return known ? sides.map((side) => side.toFixed(3)).join() : "";
}

/** Fields of TIFF: tag, type, count and value, 12 bytes each. Reading outside raises RangeError. */
class Tiff {
  constructor(view) {
    this.view = view;
    this.little = view.getUint16(0) === 0x4949;
  }

  number(at, size) {
    return size === 2 ? this.view.getUint16(at, this.little) : this.view.getUint32(at, this.little);
  }

  /** Tag -> where its entry is. */
  entries(at) {
    const count = this.number(at, 2);
    const places = Array.from({ length: count }, (_, index) => at + 2 + 12 * index);
    return new Map(places.map((entry) => [this.number(entry, 2), entry]));
  }

  text(entry) {
    if (entry === undefined) return "";
    const count = Math.min(this.number(entry + 4, 4), 40);
    const at = count > 4 ? this.number(entry + 8, 4) : entry + 8;
    const letters = Array.from({ length: count }, (_, index) => this.view.getUint8(at + index));
    return String.fromCharCode(...letters).replace(/\0.*$/s, "");
  }

  /** Three fractions: degrees, minutes, seconds. 0/0 is what is not known. */
  degrees(entry) {
    if (entry === undefined) return Number.NaN;
    const at = this.number(entry + 8, 4);
    const [degrees, minutes, seconds] = [0, 8, 16].map((step) => {
      return this.number(at + step, 4) / this.number(at + step + 4, 4);
    });
    return degrees + (minutes || 0) / 60 + (seconds || 0) / 3600;
  }
}
