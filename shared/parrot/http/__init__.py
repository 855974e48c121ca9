"""From Flask requests to records, and from records to responses."""
