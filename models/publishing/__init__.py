"""The life of a bundle: written, published, promoted, rolled back."""
