"""What happens to a photo when memory runs out, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from tests.support.photos import encoded


@pytest.mark.parametrize(("kind", "spare"), [("PNG", 2**20), ("AVIF", 60 * 2**20)])
def test_a_lack_of_memory_is_not_the_photos_fault(kind: str, spare: int) -> None:
    """Another photo was large at the same moment; a second later there is room again."""
    code = (
        "import resource, sys; from pathlib import Path; from parrot.photo import images;"
        "photo = images.read(sys.stdin.buffer.read()); images.measure(photo);"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize();"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + {spare}, -1));"
        "images.upright(photo, long_side=99)"
    )
    large = encoded(Image.new("RGB", (4000, 4000)), kind)
    done = subprocess.run(
        [sys.executable, "-c", code], input=large, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"MemoryError")
