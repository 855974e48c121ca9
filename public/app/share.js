// Passing an answer on: a picture with its words, or the words where pictures cannot be shared.

import { t } from "./language.js";
import { toast } from "./toast.js";

const [WIDTH, HEIGHT] = [1080, 1350];
const PHOTO = 1000; // px of the height
const MARGIN = 60;
const [PAPER, INK, SOFT, GREEN] = ["#f6f3ec", "#1d2622", "#5a635d", "#17694e"];
const SERIF = 'Georgia, "Noto Serif KR", "Noto Serif CJK KR", serif';

/** Share what a card says: `{image, headline, latin, url}`; `image` is decoded, or null. */
export async function share({ image, headline, latin, url }) {
  const text = latin ? `${headline} (${latin})` : headline;
  try {
    // Copying must follow the click at once: no picture is made where none can be shared.
    const files = image && navigator.canShare ? [await picture(image, headline, latin)] : [];
    if (files.length > 0 && navigator.canShare({ files })) {
      await navigator.share({ files, title: headline, text, url });
    } else if (navigator.share) {
      await navigator.share({ title: headline, text, url });
    } else {
      await navigator.clipboard.writeText(`${text}\n${url}`);
      toast(t("share.copied"));
    }
  } catch (error) {
    if (error.name !== "AbortError") toast(t("share.failed"));
  }
}

/** The photo, cut to fill the width, with the words below. */
async function picture(image, headline, latin) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d");
  context.fillStyle = PAPER;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.max(WIDTH / width, PHOTO / height);
  const [across, down] = [WIDTH / scale, PHOTO / scale];
  const [left, top] = [(width - across) / 2, (height - down) / 2];
  context.drawImage(image, left, top, across, down, 0, 0, WIDTH, PHOTO);
  const write = (text, y, font, colour) => {
    context.font = font;
    context.fillStyle = colour;
    context.fillText(text, MARGIN, y, WIDTH - 2 * MARGIN);
  };
  write(headline, PHOTO + 125, `600 76px ${SERIF}`, INK);
  write(latin, PHOTO + 195, `italic 44px ${SERIF}`, SOFT);
  write(t("title"), HEIGHT - MARGIN, `600 36px ${SERIF}`, GREEN);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  return new File([blob], "parrot.jpg", { type: "image/jpeg" });
}
