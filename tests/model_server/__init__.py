"""The local model server against the real thing, and against itself."""
