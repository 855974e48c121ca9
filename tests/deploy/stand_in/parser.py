"""gcloud's own parser. As a program it reads command lines and names those that do not parse."""

import contextlib
import functools
import io
import os
import shlex
import sys
from pathlib import Path

_SDK = Path(os.environ["CLOUDSDK_ROOT"])
sys.path[:0] = [str(_SDK / "lib"), str(_SDK / "lib/third_party")]

from googlecloudsdk import gcloud_main  # noqa: E402 - the path above

_CLI = gcloud_main.CreateCLI([])
_PARSER = (getattr(_CLI, "_CLI__top_element", None) or _CLI.top_element)._parser  # noqa: SLF001


@functools.cache
def check(words: tuple[str, ...]) -> None:
    """Raises ValueError for what gcloud would refuse without asking anybody."""
    noise = io.StringIO()
    try:
        with contextlib.redirect_stderr(noise), contextlib.redirect_stdout(noise):
            _PARSER.parse_args(list(words))
    except (SystemExit, Exception) as error:
        raise ValueError(f"gcloud does not parse {words}: {noise.getvalue()} {error}") from error


if __name__ == "__main__":
    for line in sys.stdin:
        check(tuple(shlex.split(line)[1:]))
