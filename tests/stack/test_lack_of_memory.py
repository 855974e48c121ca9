"""What happens when memory runs out, and that ordinary requests do not use it up."""

import base64
import subprocess
import sys
from typing import Any

import psutil
import pytest
import requests
from PIL import Image

from local.stack import Running
from tests.support.photos import encoded, noise

WARM, MEASURED = 30, 90


@pytest.mark.parametrize(
    ("kind", "spare", "quick"),
    [("PNG", 2**20, {}), ("AVIF", 60 * 2**20, {"speed": 10})],
)
def test_a_lack_of_memory_is_not_the_photos_fault(
    kind: str, spare: int, quick: dict[str, int]
) -> None:
    """Another photo was large at the same moment; a second later there is room again."""
    code = (
        "import resource, sys; from pathlib import Path; from parrot.photo import images;"
        "photo = images.read(sys.stdin.buffer.read()); images.measure(photo);"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize();"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + {spare}, -1));"
        "images.upright(photo, long_side=99)"
    )
    large = encoded(Image.new("RGB", (4000, 4000)), kind, **quick)
    done = subprocess.run(
        [sys.executable, "-c", code], input=large, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"MemoryError")


def test_ordinary_requests_leave_no_memory_behind(running: Running, classify_url: str) -> None:
    """An instance that keeps a part of each body is killed after some thousand photos."""
    # The part is gunicorn; what answers is its child.
    worker = max(
        psutil.Process(running.pids["functions"]).children(),
        key=lambda child: child.memory_info().rss,
    )
    photo = encoded(noise(640, 480))
    before = 0
    with requests.Session() as phone:
        for number in range(WARM + MEASURED):
            if number == WARM:
                before = worker.memory_info().rss
            data = photo + str(number).encode()  # another photo, so that no answer is remembered
            text = base64.b64encode(data).decode()
            ways: tuple[Any, ...] = (
                {"files": {"image": data}},
                {"json": {"image": text}},
                {"data": {"b64": text}},
            )
            answer = phone.post(classify_url, timeout=60, **ways[number % len(ways)])
            assert answer.status_code == 200
    assert worker.memory_info().rss - before < MEASURED * len(photo) / 2
