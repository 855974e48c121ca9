"""How well a bundle answers: figures, curves, comparisons."""
