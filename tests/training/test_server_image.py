"""The model server's image: what it is built from is complete, valid and reproducible."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format

from models.publishing import server_image
from parrot.errors import BadBundle
from tests.support.commands import printed
from tests.support.default_bundle import NAME, VERSION

MODELS = Path(__file__).parents[2] / "models"
HADOLINT = Path(sys.executable).parent / "hadolint"
DEFAULT, FIXED = MODELS / "default", MODELS / "serving" / "image"
BATCHING = FIXED / "batching.conf"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The default bundle's build context, and its tag."""
    folder = tmp_path_factory.mktemp("image")
    tag = server_image.write(
        folder / "context", fixed=FIXED, bundles=[DEFAULT], models=folder / "models"
    )
    return folder / "context", tag


def test_the_build_context_is_complete(built: tuple[Path, str]) -> None:
    """The Dockerfile copies nothing that is not there, and nothing there is left out."""
    context, _ = built
    copied = {
        source
        for line in (context / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ")
        for source in line.split()[1:-1]
    }
    present = {path.name for path in context.iterdir()}
    assert present - copied == {"Dockerfile", ".dockerignore"}
    assert copied <= present
    kept = (context / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == copied
    version = context / "models" / NAME / VERSION
    assert (version / "saved_model.pb").is_file()
    assert (version / "assets.extra" / "tf_serving_warmup_requests").is_file()


def test_every_baked_in_version_is_served(built: tuple[Path, str]) -> None:
    """Functions of an old and of a new bundle each name the version that they were fitted for."""
    from tensorflow_serving.config.model_server_config_pb2 import (  # noqa: PLC0415 - 4 s
        ModelServerConfig,
    )

    context, _ = built
    config = ModelServerConfig()
    text_format.Parse((context / "models.config").read_text(), config)
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("ParrotClassifier", "/models/ParrotClassifier")
    assert model.model_version_policy.WhichOneof("policy_choice") == "all"


def test_the_same_models_give_the_same_tag(built: tuple[Path, str], tmp_path: Path) -> None:
    """Whether an image has to be built is a look at its tag."""
    _, tag = built
    again = server_image.write(
        tmp_path / "context", fixed=FIXED, bundles=[DEFAULT], models=tmp_path / "models"
    )
    assert again == tag
    fixed = tmp_path / "fixed"
    shutil.copytree(FIXED, fixed)
    (fixed / "batching.conf").write_text("max_batch_size { value: 4 }\n")
    other = server_image.write(
        tmp_path / "context", fixed=fixed, bundles=[DEFAULT], models=tmp_path / "models"
    )
    assert other != tag


def test_two_models_under_one_name_are_refused(tmp_path: Path) -> None:
    """One of the two bundles would get answers that it was not fitted for."""
    other = tmp_path / "bundle"
    shutil.copytree(DEFAULT, other)
    (other / "head.npz").unlink()
    strange = tmp_path / "models" / NAME / VERSION
    strange.mkdir(parents=True)
    (strange / "saved_model.pb").write_bytes(b"another graph")
    context = tmp_path / "context"
    with pytest.raises(BadBundle, match="another --model-version"):
        server_image.write(
            context, fixed=FIXED, bundles=[other, DEFAULT], models=tmp_path / "models"
        )
    shutil.rmtree(strange)
    with pytest.raises(BadBundle, match="no SavedModel in"):
        server_image.write(context, fixed=FIXED, bundles=[other], models=tmp_path / "models")
    assert not context.exists()


def test_batching_has_tf_servings_names_and_room_for_a_request_of_the_backfill() -> None:
    """TF Serving starts with no other names, and refuses a request larger than a batch."""
    numbers = dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", BATCHING.read_text(), re.MULTILINE))
    assert int(numbers.pop("max_batch_size")) >= 16
    assert set(numbers) == {"batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"}


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint has no package for this platform")
@pytest.mark.parametrize("folder", ["serving/image", "training/image"])
def test_the_dockerfiles_are_clean(folder: str) -> None:
    """No image can be built here, so at least what a linter finds is not in it."""
    printed(HADOLINT, MODELS / folder / "Dockerfile")


@pytest.mark.parametrize(
    ("environment", "rest", "grpc"),
    [
        ({}, "8501", "8500"),
        ({"PORT": "8080"}, "8080", "8500"),
        ({"PORT": "8500"}, "8500", "8499"),
        ({"PORT": "8501", "AIP_HTTP_PORT": "8080"}, "8080", "8500"),
    ],
)
def test_the_server_listens_where_the_platform_says(
    environment: dict[str, str], rest: str, grpc: str, tmp_path: Path
) -> None:
    """PORT on Cloud Run, AIP_HTTP_PORT on Vertex AI; gRPC keeps out of the way."""
    flags = _flags(tmp_path, environment)
    assert f"--rest_api_port={rest}" in flags
    assert f"--port={grpc}" in flags
    assert "--file_system_poll_wait_seconds=0" in flags
    assert not any("parallelism" in flag for flag in flags)


def test_threads_and_further_flags_are_passed_on(tmp_path: Path) -> None:
    """The last flag of a name is the one that counts."""
    flags = _flags(tmp_path, {"TF_THREADS": "2"}, "--enable_batching=false")
    assert "--tensorflow_intra_op_parallelism=2" in flags
    assert "--tensorflow_inter_op_parallelism=2" in flags
    assert flags[-1] == "--enable_batching=false"


def _flags(folder: Path, environment: dict[str, str], *arguments: str) -> list[str]:
    """What the entrypoint starts TF Serving with, told by a stand-in for its binary."""
    binary = folder / "tensorflow_model_server"
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    binary.chmod(0o755)
    variables = {"PATH": f"{folder}:/usr/bin:/bin", **environment}
    return printed("/bin/sh", FIXED / "entrypoint.sh", *arguments, env=variables).splitlines()


def test_a_model_that_links_to_other_files_is_refused(tmp_path: Path) -> None:
    """It may come from someone else; the image is pushed to where others can read it."""
    bundle, version = tmp_path / "bundle", tmp_path / "models" / NAME / VERSION
    shutil.copytree(DEFAULT, bundle, ignore=shutil.ignore_patterns("head.npz"))
    (version / "assets").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "secret").write_text("key")
    (version / "assets" / "vocabulary").symlink_to(tmp_path / "secret")
    with pytest.raises(BadBundle, match="links to a file outside"):
        server_image.write(
            tmp_path / "context", fixed=FIXED, bundles=[bundle], models=tmp_path / "models"
        )
    assert not (tmp_path / "context").exists()
