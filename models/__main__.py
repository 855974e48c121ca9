"""python -m models."""

from models.cli import app

app(prog_name="./dev.sh models")
