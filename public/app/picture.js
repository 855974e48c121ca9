// A photo that a person chose: shown, cut, and made as small as the model can use.

const MODEL_SIDE = 1280; // px; the model looks at 320, and once more at a quarter of the side
const KEPT_SIDE = 2048;
const SMALL_BYTES = 400_000; // not worth shrinking
const READABLE = /^image\/(jpeg|png|webp|avif)$/;

/** Both sizes are made when first asked for, and again after another cut. */
export class Picture {
  #image = null;
  #made = new Map();
  #area = null;
  #opening = null;

  constructor({ file, area = null }) {
    this.file = file;
    this.#area = area;
    this.url = URL.createObjectURL(file);
    this.preview = this.url;
    this.odd = false; // not of the bird that the others show
    this.chosen = null; // by the person: whether it is kept with its bird
  }

  /** Whether it is kept with its bird, if that is saved. */
  get wanted() {
    return this.chosen ?? !this.odd;
  }

  /** Decode; false where this browser cannot (HEIC outside Safari), then the file travels as it is. */
  open() {
    this.#opening ??= this.#decode();
    return this.#opening;
  }

  /** The part to look at: `{x, y, side}` in shares of width, height and shorter side; null: all. */
  get area() {
    return this.#area;
  }

  async cut(area) {
    this.#area = area;
    this.#made.clear();
    await this.frame();
  }

  /** Make the preview of the part to look at. */
  async frame() {
    if (this.preview !== this.url) URL.revokeObjectURL(this.preview);
    const cut = this.#area && (await this.open());
    this.preview = cut ? URL.createObjectURL(await this.#jpeg(MODEL_SIDE)) : this.url;
  }

  forModel() {
    return this.#sized(MODEL_SIDE);
  }

  /** What is saved; the original where the person wants it and nothing was cut off. */
  forKeeping(original) {
    return original ? Promise.resolve(this.file) : this.#sized(KEPT_SIDE);
  }

  /** Whether keeping the original differs from keeping the copy. */
  async shrinks() {
    return (await this.open()) && (await this.forKeeping(false)) !== this.file;
  }

  close() {
    URL.revokeObjectURL(this.url);
    if (this.preview !== this.url) URL.revokeObjectURL(this.preview);
  }

  async #decode() {
    const image = new Image();
    image.src = this.url;
    try {
      await image.decode();
    } catch {
      return false;
    }
    this.#image = image;
    return true;
  }

  async #sized(side) {
    if (!(await this.open())) return this.file;
    const { naturalWidth: width, naturalHeight: height } = this.#image;
    const fits = Math.max(width, height) <= side && this.file.size <= SMALL_BYTES;
    if (!this.#area && fits && READABLE.test(this.file.type)) return this.file;
    return this.#jpeg(side);
  }

  #jpeg(side) {
    if (!this.#made.has(side)) {
      this.#made.set(side, this.#draw(side));
      this.#made.get(side).catch(() => this.#made.delete(side)); // there may be memory later
    }
    return this.#made.get(side);
  }

  async #draw(side) {
    const { naturalWidth: width, naturalHeight: height } = this.#image;
    const box = this.#area
      ? square(this.#area, width, height)
      : { x: 0, y: 0, width, height };
    const scale = Math.min(1, side / Math.max(box.width, box.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(box.width * scale));
    canvas.height = Math.max(1, Math.round(box.height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff"; // behind a transparent PNG, as the service does
    context.fillRect(0, 0, canvas.width, canvas.height);
    const { x, y } = box;
    context.drawImage(this.#image, x, y, box.width, box.height, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
    if (!blob) throw new Error("the photo is too large for this browser's canvas");
    return new File([blob], this.file.name.replace(/\.\w+$|$/, ".jpg"), { type: "image/jpeg" });
  }
}

function square({ x, y, side }, width, height) {
  const length = side * Math.min(width, height);
  return { x: x * width, y: y * height, width: length, height: length };
}
