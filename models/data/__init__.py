"""Labelled photos: where they are, how they are varied, what people saved."""
