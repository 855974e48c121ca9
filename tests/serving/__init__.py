"""The local model server: what it has in common with TF Serving, and its own rules."""
