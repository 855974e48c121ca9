"""The projection by which photos are compared, and how well it finds what belongs together."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from models.arrays import Floats
from models.data.dataset import FEWEST
from models.data.labelled_photos import LabelledPhoto
from parrot.model.embedding import DIMENSIONS, Embedding, unit


def fit(first_looks: Floats, photos: Sequence[LabelledPhoto]) -> Embedding:
    """Principal components of the features (n, d) of photos as they are; a centroid a label."""
    mean = first_looks.mean(axis=0, dtype=np.float64)
    centred = first_looks - mean
    _, axes = np.linalg.eigh(centred.T @ centred)  # the largest last
    components = np.zeros((len(axes), DIMENSIONS))  # a small backbone has fewer
    components[:, : len(axes)] = axes[:, : -DIMENSIONS - 1 : -1]
    half = mean.astype(np.float16), components.astype(np.float16)
    blank = Embedding.of(*half, np.zeros((1, DIMENSIONS), np.float16))
    vectors, kinds = blank.vectors(first_looks), defaultdict(list)
    for number, photo in enumerate(photos):
        kinds[photo.group, photo.label].append(number)
    enough = [rows for rows in kinds.values() if len(rows) >= FEWEST] or kinds.values()
    centroids = unit(np.stack([vectors[rows].mean(axis=0) for rows in enough]))
    return Embedding.of(*half, centroids.astype(np.float16))


def nearest_alike(first_looks: Floats, photos: Sequence[LabelledPhoto]) -> tuple[int, int]:
    """Parrots whose nearest photo of another source shows the same kind, and how many there are.

    Of kinds that another source has, too.
    """
    vectors = fit(first_looks, photos).vectors(first_looks)
    sources = np.array([photo.source or photo.cluster for photo in photos])
    kinds = np.array([(photo.is_parrot and photo.taxon) or "" for photo in photos])
    alike = asked = 0
    for number in np.flatnonzero(kinds != ""):
        others = sources != sources[number]
        if kinds[number] in kinds[others]:
            nearest = np.where(others, vectors @ vectors[number], -1).argmax()
            alike, asked = alike + int(kinds[nearest] == kinds[number]), asked + 1
    return alike, asked
