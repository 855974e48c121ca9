"""What a user would pick instead: LitServe with the same model and decoder, in one process.

    python -m benchmarks.peer PORT

One inference worker, as LitServe starts by default for one device; the same scaled decoding and the
same SavedModel as ours, and neither gate, species table nor limits. Photos come as LitServe's own
examples send them, as base64 in JSON: its multipart needs a package that shadows the one of ours.
"""

import base64
import sys
from typing import Any

import litserve

from benchmarks.limit import Limit
from parrot.photo import images


class Api(litserve.LitAPI):  # type: ignore[misc]  # it has no types
    """JSON {"image": base64} in, class probabilities out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """In the worker: load the model."""
        self._limit = Limit()

    def decode_request(self, request: dict[str, str]) -> bytes:
        """The photo to what the model takes."""
        photo = images.read(base64.b64decode(request["image"]))
        return images.pixels(photo, self._limit.input).pixels.tobytes()

    def predict(self, payload: bytes) -> Any:  # noqa: ANN401
        """One forward pass."""
        return self._limit.forward(payload)["probabilities"]

    def encode_response(self, output: Any) -> dict[str, list[float]]:  # noqa: ANN401
        """JSON."""
        return {"probabilities": output.ravel().tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(api_path="/parrot-classifier/classify"), accelerator="cpu", timeout=120
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error"
    )
