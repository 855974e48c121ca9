"""Graphs: the backbone, the head, and SavedModels made of them."""
