"""What a person reads: the model card, the report, tables on the terminal."""
