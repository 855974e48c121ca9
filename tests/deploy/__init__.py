"""The deployment, as far as a machine without a cloud can show it."""
