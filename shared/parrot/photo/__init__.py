"""A photo's bytes: what they are, what they say about themselves, and the pixels in them."""
