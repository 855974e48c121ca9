"""Strange files get an answer or a clear refusal, and the process survives."""

import io
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from local.stack import Running
from parrot.errors import ParrotError, RequestError
from parrot.photo import headers, images, thumbnails
from tests.support.phone import Phone
from tests.support.photos import DECODER, ODD
from tests.support.problems import assert_problem
from tests.support.webp import assert_silent_file

FOLDERS = sorted({path.parent for path in ODD.rglob("*") if path.is_file()})
MEMORY_LIMIT = 400 * 2**20


def resident(process: psutil.Process) -> int:
    return max(child.memory_info().rss for child in (process, *process.children(recursive=True)))


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("folder", FOLDERS or [ODD], ids=lambda folder: folder.name)
def test_odd_files_are_answered_or_refused_clearly(
    folder: Path, classify_url: str, running: Running, ana: Phone
) -> None:
    """No file takes the process down, and none is an internal error."""
    functions = psutil.Process(running.pids["functions"])
    workers = functions.children()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        photo = {"image": path.read_bytes()}
        classified = requests.post(classify_url, files=photo, timeout=60)
        if classified.status_code == 200:
            assert 0 <= classified.json()["parrot"]["probability"] <= 1, path.name
        else:
            assert classified.status_code in {400, 415, 422}, path.name
            assert_problem(classified, classified.status_code)
            saved = ana.ask("POST", "/save", files=photo, data={"index": "2"})
            assert_problem(saved, classified.status_code, classified.json()["code"])
        assert functions.children() == workers, path.name
        assert resident(functions) < MEMORY_LIMIT, path.name


def test_derived_files_get_the_expected_status(odd: Path, classify_url: str) -> None:
    """What is read and what is refused is a decision, not an accident."""
    for status, names in {
        200: "photo.heic cmyk.jpg gray16.png wrong-ext.png panorama-6000x300.jpg animated.webp",
        400: "empty.jpg",
        415: "html-as.jpg animated.gif photo.bmp photo.tif",
        422: "truncated.jpg truncated-header.jpg",
    }.items():
        for name in names.split():
            data = (odd / "derived-parrot" / f"blue-and-gold-macaw-{name}").read_bytes()
            answer = requests.post(classify_url, files={"image": data}, timeout=60)
            assert answer.status_code == status, name


def test_the_same_bird_in_other_files_is_still_the_same_bird(odd: Path, classify_url: str) -> None:
    """Format, transparency, colour space and depth must not change the answer."""
    for name in ("photo.heic", "cmyk.jpg", "rgba.png", "progressive.jpg", "lossless.webp"):
        data = (odd / "derived-parrot" / f"blue-and-gold-macaw-{name}").read_bytes()
        body = requests.post(classify_url, files={"image": data}, timeout=60).json()
        assert body["species"][0]["id"] == "ara-ararauna", name


EXIF_ORIENTATION = 0x0112


def test_headers_and_pixels_agree_with_the_decoder_on_every_odd_photo(odd: Path) -> None:
    """The header decides what a photo may cost, and what no pixel depends on is not decoded."""
    compared = 0
    for path in filter(Path.is_file, odd.rglob("*")):
        data = path.read_bytes()
        try:
            photo = images.read(data)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                size, turned = image.size, image.getexif().get(EXIF_ORIENTATION, 1) or 1
        except (ParrotError, OSError, SyntaxError):
            continue
        if photo.media_type not in {"image/heic", "image/avif"}:
            compared += 1
            claimed = (photo.header.width, photo.header.height, photo.header.orientation)
            assert claimed == (*size, turned), path.name
        if photo.header.spans is not None:
            with Image.open(io.BytesIO(headers.essential(data, photo.header))) as bare:
                assert (bare.mode, bare.size) == (image.mode, size), path.name
                assert bare.tobytes() == image.tobytes(), path.name
                assert not {"exif", "icc_profile", "xmp", "comment"} & set(bare.info)
    assert compared > 60


def test_odd_files_leave_no_trace_or_are_refused_as_invalid(odd: Path) -> None:
    """Cameras write unexpected metadata; any other error would be retried all day."""
    done = refused = 0
    for path in sorted(odd.glob("*/*")):
        try:
            photo = images.read(path.read_bytes())
            made = thumbnails.make(photo, DECODER)
            assert DECODER.measure(photo) > (0, 0), "what can be derived can be saved"
        except RequestError:
            refused += 1
            continue
        assert_silent_file(made.image)
        assert_silent_file(made.thumbnail)
        done += 1
    assert done > 80
    assert refused > 5
