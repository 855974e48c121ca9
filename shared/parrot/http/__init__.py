"""Flask requests to records, records to responses."""
