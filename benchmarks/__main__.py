"""`./dev.sh bench`."""

from benchmarks.cli import app

if __name__ == "__main__":  # the processes of `limit.process` import this module too
    app(prog_name="./dev.sh bench")
