"""The backbone, the species head, and SavedModels built from them."""
