"""From the phone's save to the finished observation, through every part of the local stack."""

import gzip
from pathlib import Path

import pytest
import requests
from google.cloud.storage import Bucket
from PIL import Image

from tests.support.phone import Phone
from tests.support.photos import encoded, named, noise
from tests.support.waiting import until
from tests.support.webp import assert_silent_file


@pytest.mark.smoke
def test_a_saved_photo_becomes_ready_with_its_thumbnails(ana: Phone, photos: Path) -> None:
    """A phone shows the thumbnail as soon as it is there."""
    data = named(photos / "parrots" / "kea")[0].read_bytes()
    saved = ana.send(data)
    (done,) = ana.all_settled()
    assert done["id"] == saved["id"]
    assert done["status"] == "ready"
    for file, long_side in (("image", 1024), ("thumbnail", 256)):
        answer = requests.get(done["files"][file], timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
        assert max(assert_silent_file(answer.content)) <= long_side


def test_a_photo_that_is_deleted_in_the_bucket_takes_its_observation_along(
    ana: Phone, bucket: Bucket
) -> None:
    """An operator removes it in the console; its copies and its label go too."""
    saved = ana.send(encoded(noise(90, 70, seed=77)))
    ana.all_settled()
    (original,) = bucket.list_blobs(prefix=f"photos/{ana.user}/")
    original.delete()
    until(lambda: not ana.pages(), "the observation to go")
    derived = f"derived/{ana.user}/{saved['id']}/"
    until(lambda: not list(bucket.list_blobs(prefix=derived)), "its copies to go after it")


def test_a_photo_with_gps_leaves_no_trace_in_what_is_derived(
    ana: Phone, bucket: Bucket, odd: Path
) -> None:
    """A thumbnail must not reveal where a person lives."""
    gps = sorted((odd / "derived-parrot").glob("*gps*.jpg"))
    assert len(gps) == 2
    sideways = {}
    for path in gps:
        data = path.read_bytes()
        assert b"Exif" in data
        with Image.open(path) as image:
            sideways[ana.send(data)["id"]] = image.height / image.width
    for done in ana.all_settled(len(gps)):
        assert done["status"] in {"ready", "needs_review"}
        derived = list(bucket.list_blobs(prefix=f"derived/{ana.user}/{done['id']}/"))
        assert len(derived) == 2
        for blob in derived:
            width, height = assert_silent_file(blob.download_as_bytes())
            assert width / height == pytest.approx(sideways[done["id"]], rel=0.01)  # upright
            assert set(blob.metadata) == {"sha256"}  # of the derived file: its tag


def test_a_compressed_upload_is_rejected_and_downloads_as_it_is(ana: Phone, bucket: Bucket) -> None:
    """4 GB of zeros are 4 MB of gzip; neither function unpacks them."""
    packed = gzip.compress(bytes(200 * 2**20), 9)
    blob = bucket.blob(f"photos/{ana.user}/x.jpg")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/html")
    (done,) = ana.all_settled()
    assert (done["status"], done["photo"]["media_type"]) == ("rejected", "application/octet-stream")
    assert "Content-Encoding" in done["reason"]
    answer = ana.get(f"/observations/{done['id']}/original")
    assert answer.content == packed
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
