"""Labelled photos: how they are read, augmented and turned into features."""
