"""How large a photo may be, unless a deployment says otherwise."""

MAX_PHOTO_BYTES = 20 * 2**20
# 48 to 50 megapixels is what phones write; Pillow alone would stop at 179.
MAX_PHOTO_PIXELS = 51_000_000
