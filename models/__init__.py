"""Train, evaluate, publish and build the models: what `python -m models` does."""
