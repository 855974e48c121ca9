"""Commands around SavedModels: build, wrap, serve."""

from pathlib import Path
from typing import Annotated

import typer

from models.cli import console
from models.cli.console import BundleFolder
from models.folders import DEFAULT_BUNDLE, MODEL_FOLDER, ROOT
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling, Scaling

commands = console.Commands()


@commands.command()
def build(
    bundle: BundleFolder = DEFAULT_BUNDLE,
    to: Annotated[Path, typer.Option(help="Folder to write NAME/VERSION to.")] = MODEL_FOLDER,
) -> None:
    """Build the SavedModel from the ImageNet backbone and a bundle's species head."""
    from models.network import model_folder

    with console.err.status("building"):
        folder = model_folder.build(bundle, to)
    console.out.print(f"{folder}", soft_wrap=True)


@commands.command()
def wrap(
    source: Annotated[Path, typer.Argument(help="SavedModel, .keras or .h5.", exists=True)],
    out: Annotated[Path, typer.Argument(help="NAME/VERSION folder to write.")],
    *,
    width: Annotated[int, typer.Option(help="Input width in pixels.")],
    height: Annotated[int, typer.Option(help="Input height in pixels.")],
    scaling: Annotated[Scaling, typer.Option(help="Range of values that the model expects.")],
    crop: Annotated[Crop, typer.Option(help="How a photo becomes that rectangle.")] = Crop.CENTER,
    resampling: Annotated[
        Resampling, typer.Option(help="How a photo is made smaller.")
    ] = Resampling.ANTIALIAS,
    encoding: Annotated[
        Encoding, typer.Option(help="What the functions will send.")
    ] = Encoding.RAW,
    signature: Annotated[
        str | None, typer.Option(help="Signature of the source, if it has several.")
    ] = None,
) -> None:
    """Wrap a model that takes floats: the new one takes raw pixels or JPEG files."""
    from models.network import wrapper

    spec = InputSpec(width, height, crop, resampling, scaling, encoding)
    with console.err.status("wrapping"):
        done = wrapper.wrap(source, out, spec, signature=signature)
    console.err.print("entry for the manifest:", style="dim")
    console.out.print_json(data=done.served_model().dump())
    for name, shape in done.outputs.items():
        console.err.print(f"output {name} {shape}", markup=False)
    console.err.print(f"largest difference from the source, on noise: {done.difference:.2g}")


@commands.command()
def image(
    to: Annotated[Path, typer.Argument(help="Folder to write; replaced if it is there.")],
    bundle: Annotated[
        list[Path] | None, typer.Option(help="Bundle folder; repeat for several.", exists=True)
    ] = None,
    models: Annotated[Path, typer.Option(help="Where SavedModels are built.")] = MODEL_FOLDER,
) -> None:
    """Write what the model server's image is built from: TF Serving, its settings, the models.

    Prints the folder and a tag that changes when anything in it does. Build it with `docker build`
    or `gcloud builds submit`.
    """
    from models.publishing import server_image

    with console.err.status("building"):
        tag = server_image.write(
            to,
            fixed=ROOT / "models" / "serving" / "image",
            bundles=bundle or [DEFAULT_BUNDLE],
            models=models,
        )
    console.out.print(f"{to}\n{tag}", soft_wrap=True, highlight=False)


@commands.command()
def serve(
    base: Annotated[
        Path, typer.Option(help="Folder of NAME/VERSION/saved_model.pb.")
    ] = MODEL_FOLDER,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port of the REST API; 0 picks a free one.", min=0, max=65535)
    ] = 8501,
    poll_seconds: Annotated[
        float, typer.Option(help="Seconds between looking for new versions; 0: only once.")
    ] = 1.0,
) -> None:
    """Serve the latest version of each SavedModel over TF Serving's REST API.

    Predictions of instances, and each version's status. Missing: columns of inputs, classify,
    regress, metadata, labels, compressed bodies, gRPC, batching, Prometheus metrics.
    """
    from models.serving import server

    server.serve(base, host=host, port=port, poll_seconds=poll_seconds)
