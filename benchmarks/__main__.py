"""`./dev.sh bench`."""

from benchmarks.cli import app

app(prog_name="./dev.sh bench")
