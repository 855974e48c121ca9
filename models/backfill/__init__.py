"""Every stored photo judged again by a new bundle, as an Apache Beam pipeline.

`reclassify` is what happens to one photo, `batches` lets photos share requests to the model
server, `job` says where everything is and opens it on a worker, `pipeline` is Beam's part and the
only module that imports it. Nothing is written to the bucket, so `process` has nothing to do.

Beam needs an older protobuf than TensorFlow's package, so it lives in an environment of its own:
`./dev.sh models backfill` makes it from `requirements.txt`. Nothing here may import TensorFlow.
"""
