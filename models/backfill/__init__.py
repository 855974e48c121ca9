"""Work on every stored photo as an Apache Beam pipeline: judged by a new bundle, or exported.

`reclassify` is what happens to a photo that is judged again, `batches` lets photos share requests
to the model server; `job` says where everything is and opens it on a worker,
`pipeline` is Beam's part and the only module that imports it. Nothing is written to the photos'
bucket, so `process` has nothing to do.

Beam needs an older protobuf than TensorFlow's package, so it lives in an environment of its own:
`./dev.sh models backfill` makes it from `requirements.txt`. Nothing here may import TensorFlow.
"""
