"""`./dev.sh soak`."""

from benchmarks.soak.cli import app

app(prog_name="./dev.sh soak")
