"""How large a photo may be, unless a deployment says otherwise; how many may be one bird's."""

MAX_PHOTO_BYTES = 20 * 2**20
# 48 to 50 megapixels is what phones write; Pillow alone would stop at 179.
MAX_PHOTO_PIXELS = 51_000_000
# Of one bird, for one joint answer. The model server takes both looks at all of them in one batch.
MOST_PHOTOS = 5
