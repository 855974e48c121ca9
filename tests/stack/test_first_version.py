"""The first version's models, gate and phones still work."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.network.lazy_tf import tf
from models.publishing import first_version, releases
from models.publishing.release_store import FolderStore
from parrot.adapters.bucket import FolderFiles
from parrot.adapters.joblib_gate import unpickle
from parrot.adapters.model_server import TfServing, unsigned
from parrot.classify import Classifier
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle
from parrot.model.manifest import digest
from parrot.photo import images
from tests.support.photos import DECODER, named
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving

FEATURES, CLASSES = 96, 5
_CAFFE = [103.939, 116.779, 123.68]


@pytest.fixture(scope="module")
def joblib_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scaler, PCA, mixture and isotonic curve, fitted on what the random extractor gives."""
    import joblib  # noqa: PLC0415
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    rng = np.random.default_rng(7)
    x = rng.normal(size=(400, FEATURES)) @ rng.normal(size=(FEATURES, FEATURES)) * 0.1 + 0.5
    scaler = StandardScaler().fit(x)
    pca = PCA(12, random_state=0).fit(scaler.transform(x))
    z = pca.transform(scaler.transform(x))
    gmm = GaussianMixture(3, random_state=0).fit(z)
    scores = np.concatenate([gmm.score_samples(z), gmm.score_samples(z * 3), [-1e9]])
    iso = IsotonicRegression().fit(scores, np.r_[np.ones(len(z)), np.zeros(len(z) + 1)])
    folder = tmp_path_factory.mktemp("joblib")
    for name, stage in zip(("scaler", "pca", "gmm", "iso"), (scaler, pca, gmm, iso), strict=True):
        joblib.dump(stage, folder / f"{name}.joblib")
    (folder / "species.csv").write_text(
        "index,id,scientific_name,en,ko,cites\n"
        + "".join(f"{i},species-{i},Species {i},Bird {i},새 {i},\n" for i in range(CLASSES))
    )
    return folder


@pytest.fixture(scope="module")
def adopted(joblib_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that `adopt` writes around the joblib files."""
    folder = tmp_path_factory.mktemp("bundle")
    first_version.adopt(joblib_folder, joblib_folder / "species.csv", "first", folder)
    return folder


@pytest.fixture(scope="module")
def two_models() -> Iterator[tuple[str, Any, Any]]:
    """TF Serving's answers of both models, and the models for the first version's own steps."""
    models = {
        "ParrotExtractor": _model(224, FEATURES, softmax=False),
        "ParrotClassifier": _model(299, CLASSES, softmax=True),
    }

    def answer(request: Request) -> ScriptedAnswer:
        if request.method == "GET":
            return json_answer({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})
        name = request.path.split("/")[3].removesuffix(":predict")
        (rows,) = models[name](np.array(request.json()["instances"], np.float32)).values()
        return json_answer({"predictions": rows.numpy().tolist()})

    with serving(answer) as server:
        yield server.url, *models.values()


def _model(size: int, outputs: int, *, softmax: bool) -> Any:
    """A model with random weights that takes floats, as a Keras model of the time did."""
    rng = np.random.default_rng(size)
    kernel = rng.normal(size=(16, 16, 3, outputs)).astype(np.float32) * (1.0 if softmax else 2e-3)

    @tf().function(  # type: ignore[untyped-decorator]
        input_signature=[tf().TensorSpec([None, size, size, 3], tf().float32, "input")]
    )
    def forward(x: Any) -> Any:
        y = tf().reduce_mean(tf().nn.relu(tf().nn.conv2d(x, kernel, 16, "VALID")), axis=(1, 2))
        name = "probabilities" if softmax else "features"
        return {name: tf().nn.softmax(y) if softmax else y}

    return forward


def _own_steps(
    data: bytes, extractor: Any, classifier: Any, stages: list[Any]
) -> tuple[float, Any]:
    """The first version, written out: one resize and one forward pass for each model."""
    image = tf().io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    small = tf().image.resize(image, (224, 224))
    caffe = small[..., ::-1] - tf().constant(_CAFFE)
    features = extractor(caffe[None])["features"].numpy()[0]
    larger = tf().image.resize(image, (299, 299)) / 255.0
    probabilities = classifier(larger[None])["probabilities"].numpy()[0]
    return first_version.probability(features, *stages), probabilities


def test_two_models_and_joblib_files_give_the_first_versions_probabilities(
    photos: Path, adopted: Path, joblib_folder: Path, two_models: tuple[str, Any, Any]
) -> None:
    """Teams with their own models move without retraining."""
    import joblib  # noqa: PLC0415

    url, extractor, classifier = two_models
    stages = [joblib.load(joblib_folder / f"{n}.joblib") for n in ("scaler", "pca", "gmm", "iso")]
    files = FolderFiles(adopted)
    loaded = Bundle.load(files, sha256=_sha256(adopted), unpickle=unpickle)
    server = TfServing(url, unsigned(), timeout=30)
    classify = Classifier(loaded, server, DECODER).classify
    verdicts = []
    for path in (*named(photos / "parrots" / "galah", 2), *named(photos / "negatives" / "food", 2)):
        data = path.read_bytes()
        gate, probabilities = _own_steps(data, extractor, classifier, stages)
        answer = classify(images.read(data))
        assert answer.parrot_probability == pytest.approx(gate, abs=1e-4)
        assert answer.is_parrot == (gate >= 0.5)
        verdicts.append(answer.is_parrot)
        if answer.is_parrot:
            assert answer.probabilities == pytest.approx(probabilities, abs=1e-4)
            assert dict(answer.models) == {
                "extractor": "ParrotExtractor/1",
                "classifier": "ParrotClassifier/1",
            }
    assert True in verdicts, "no photo passed the random gate: the second model was never compared"


def test_joblib_files_are_not_unpickled_unless_the_manifest_is_pinned(adopted: Path) -> None:
    """A pickle can run anything; write access to the bucket must not mean running code here."""

    def never(*_: object) -> Any:
        raise AssertionError("unpickled")

    with pytest.raises(BadBundle, match="MODEL_BUNDLE_SHA256"):
        Bundle.load(FolderFiles(adopted), sha256=None, unpickle=never)
    with pytest.raises(BadBundle, match="MODEL_BUNDLE_SHA256"):
        Bundle.load(FolderFiles(adopted), sha256=_sha256(adopted))


def test_a_changed_joblib_file_is_named_and_not_unpickled(adopted: Path, tmp_path: Path) -> None:
    """The deployment pins the manifest, and the manifest pins the files."""
    shutil.copytree(adopted, tmp_path, dirs_exist_ok=True)
    (tmp_path / "gmm.joblib").write_bytes(b"cos\nsystem\n")
    with pytest.raises(BadBundle, match=r"gmm\.joblib .* damaged"):
        Bundle.load(FolderFiles(tmp_path), sha256=_sha256(adopted), unpickle=unpickle)


def test_joblib_files_of_another_scikit_learn_are_refused(adopted: Path, tmp_path: Path) -> None:
    """scikit-learn promises nothing across versions, and a wrong gate is worse than none."""
    shutil.copytree(adopted, tmp_path, dirs_exist_ok=True)
    manifest = json.loads((adopted / "manifest.json").read_text())
    manifest["scikit_learn"] = "0.24.2"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadBundle, match=r"0\.24\.2"):
        Bundle.load(FolderFiles(tmp_path), sha256=_sha256(tmp_path), unpickle=unpickle)


def test_a_bundle_of_pickles_is_published_and_pinned_but_never_promoted(
    adopted: Path, tmp_path: Path
) -> None:
    """Functions follow `current.json` without a pinned digest, and unpickle nothing there."""
    store = FolderStore(tmp_path)
    release, new = releases.publish(FolderFiles(adopted), store)
    assert new
    with pytest.raises(BadBundle, match="MODEL_BUNDLE_SHA256"):
        releases.promote(release.version, store)
    assert releases.current(store) is None


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_every_covariance_type_compiles_to_the_same_densities(covariance: str) -> None:
    """A team may have chosen any of them."""
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415

    from parrot.adapters.joblib_gate import one_class  # noqa: PLC0415

    x = np.random.default_rng(1).normal(size=(300, 4)) * [1, 2, 3, 0.5]
    gmm = GaussianMixture(3, covariance_type=covariance, random_state=0).fit(x)
    ours, _ = one_class(gmm)(x)
    np.testing.assert_allclose(ours, gmm.score_samples(x), rtol=1e-9)


def _sha256(folder: Path) -> str:
    return digest((folder / "manifest.json").read_bytes())
