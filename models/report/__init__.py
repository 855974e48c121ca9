"""The HTML reports of an evaluation and of a comparison."""
