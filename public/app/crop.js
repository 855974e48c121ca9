// Choosing the part of a photo to look at: a square window over it, moved and zoomed.

import { byId, opened } from "./dom.js";

const SMALLEST = 120; // px of a photo that are still something to look at
const ROOM = 1.3; // around what the model looked at
const STEP = 0.06; // of the window, for an arrow key
const NOTCH = 1.15; // one press of + or turn of the wheel

/**
 * The square that the person chose, `null` for the whole photo, `undefined` if they gave up. It
 * starts at `focus`, what the model looked at: left, top, right, bottom in shares of the photo.
 */
export async function crop(picture, focus) {
  const dialog = byId("crop");
  const view = new View(dialog, picture, focus);
  dialog.returnValue = "";
  const closing = opened(dialog);
  view.start();
  const choice = await closing;
  view.stop();
  if (choice === "whole") return null;
  return choice === "done" ? view.area : undefined;
}

class View {
  #pointers = new Map();
  #stopping = new AbortController();
  #scale = 1; // 1: the shorter side fills the window
  #x = 0.5; // what is in the middle, in shares of width and height
  #y = 0.5;

  constructor(dialog, picture, focus) {
    this.focus = focus;
    this.window = dialog.querySelector(".window");
    this.image = dialog.querySelector("img");
    this.slider = dialog.querySelector("input");
    this.picture = picture;
    this.image.src = picture.url;
  }

  get area() {
    const { wide, high } = this.#shape();
    const side = 1 / this.#scale;
    return { x: this.#x - side / wide / 2, y: this.#y - side / high / 2, side };
  }

  async start() {
    const options = { signal: this.#stopping.signal };
    const on = (target, type, action, more) =>
      target.addEventListener(type, action, { ...options, ...more });
    on(this.window, "pointerdown", (event) => this.#down(event));
    on(this.window, "pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) {
      on(this.window, type, (event) => this.#pointers.delete(event.pointerId));
    }
    on(this.window, "wheel", (event) => this.#wheel(event), { passive: false });
    on(this.window, "keydown", (event) => this.#key(event));
    on(this.slider, "input", () => this.#zoom(this.#closest() ** this.slider.valueAsNumber));
    on(window, "resize", () => this.#draw());
    await this.image.decode();
    this.slider.disabled = this.#closest() === 1;
    this.#begin();
    this.#draw();
    this.window.focus();
  }

  stop() {
    this.#stopping.abort();
  }

  /** Where the person was, or what the model looked at. */
  #begin() {
    const { wide, high } = this.#shape();
    const { area } = this.picture;
    if (area) {
      this.#scale = 1 / area.side;
      this.#x = area.x + area.side / wide / 2;
      this.#y = area.y + area.side / high / 2;
    } else if (this.focus) {
      const [left, top, right, bottom] = this.focus;
      this.#scale = 1 / Math.max((right - left) * wide, (bottom - top) * high) / ROOM;
      this.#x = (left + right) / 2;
      this.#y = (top + bottom) / 2;
    }
  }

  /** The scale at which the photo has no more pixels to show. */
  #closest() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    return Math.max(1, Math.min(width, height) / SMALLEST);
  }

  /** Width and height in units of the shorter side. */
  #shape() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    const shorter = Math.min(width, height);
    return { wide: width / shorter, high: height / shorter };
  }

  #draw() {
    const { wide, high } = this.#shape();
    const closest = this.#closest();
    this.#scale = Math.min(closest, Math.max(1, this.#scale));
    const half = 0.5 / this.#scale;
    this.#x = Math.min(1 - half / wide, Math.max(half / wide, this.#x));
    this.#y = Math.min(1 - half / high, Math.max(half / high, this.#y));
    const side = this.window.clientWidth;
    const width = side * wide * this.#scale;
    const height = side * high * this.#scale;
    const left = side / 2 - this.#x * width;
    const top = side / 2 - this.#y * height;
    Object.assign(this.image.style, { width: `${width}px`, height: `${height}px` });
    this.image.style.transform = `translate(${left}px, ${top}px)`;
    this.slider.value = closest === 1 ? 0 : Math.log(this.#scale) / Math.log(closest);
  }

  #pan(dx, dy) {
    const { wide, high } = this.#shape();
    this.#x -= dx / (wide * this.#scale);
    this.#y -= dy / (high * this.#scale);
    this.#draw();
  }

  #zoom(scale) {
    this.#scale = scale;
    this.#draw();
  }

  #down(event) {
    this.window.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const spread = this.#spread();
    const fingers = this.#pointers.size;
    const side = this.window.clientWidth;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (spread) this.#scale *= this.#spread() / spread;
    this.#pan(
      (event.clientX - before.x) / side / fingers,
      (event.clientY - before.y) / side / fingers,
    );
  }

  /** How far two fingers are apart; 0 with one. */
  #spread() {
    const [a, b] = this.#pointers.values();
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  #wheel(event) {
    event.preventDefault();
    this.#zoom(this.#scale * (event.deltaY < 0 ? NOTCH : 1 / NOTCH));
  }

  #key(event) {
    const moves = {
      ArrowLeft: () => this.#pan(STEP, 0),
      ArrowRight: () => this.#pan(-STEP, 0),
      ArrowUp: () => this.#pan(0, STEP),
      ArrowDown: () => this.#pan(0, -STEP),
      "+": () => this.#zoom(this.#scale * NOTCH),
      "=": () => this.#zoom(this.#scale * NOTCH),
      "-": () => this.#zoom(this.#scale / NOTCH),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }
}
