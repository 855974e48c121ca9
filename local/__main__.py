"""python -m local."""

from local.cli import app

app(prog_name="./dev.sh")
