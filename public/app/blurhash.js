// BlurHash (blurha.sh): some twenty letters that are a blurred picture.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
const SIDE = 24; // px; it is blurred anyway

const number = (text) => [...text].reduce((sum, digit) => sum * 83 + DIGITS.indexOf(digit), 0);
const linear = (value) =>
  value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4;
const srgb = (value) => {
  const kept = Math.min(1, Math.max(0, value));
  return Math.round((kept <= 0.0031308 ? kept * 12.92 : 1.055 * kept ** (1 / 2.4) - 0.055) * 255);
};
const signedSquare = (value) => Math.sign(value) * value * value;

/** Draw it on a canvas. */
export function drawBlurHash(canvas, hash) {
  const columns = (number(hash[0]) % 9) + 1;
  const rows = Math.floor(number(hash[0]) / 9) + 1;
  const strongest = (number(hash[1]) + 1) / 166;
  const colours = [colour(number(hash.slice(2, 6)))];
  for (let at = 6; at < hash.length; at += 2) {
    const value = number(hash.slice(at, at + 2));
    const parts = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
    colours.push(parts.map((part) => signedSquare((part - 9) / 9) * strongest));
  }
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const sum = [0, 0, 0];
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          const wave =
            Math.cos((Math.PI * x * column) / SIDE) * Math.cos((Math.PI * y * row) / SIDE);
          const part = colours[column + row * columns];
          for (let channel = 0; channel < 3; channel += 1) sum[channel] += part[channel] * wave;
        }
      }
      image.data.set([...sum.map(srgb), 255], 4 * (x + y * SIDE));
    }
  }
  context.putImageData(image, 0, 0);
}

function colour(value) {
  return [value >> 16, (value >> 8) & 255, value & 255].map(linear);
}
