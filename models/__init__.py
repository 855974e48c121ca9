"""Backbone, training, evaluation, export, publishing and serving: what `python -m models` does."""
