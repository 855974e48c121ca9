"""How well a bundle does: figures, curves, comparisons."""
