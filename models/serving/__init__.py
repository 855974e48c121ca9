"""A small server for a TF Serving model folder that speaks TF Serving's REST API.

For local work and tests without the real server's container. It predicts, tells which versions are
loaded, and follows the folder: `app` takes a request, `catalog` has the version it asks for, and
`predict` turns JSON into tensors and back. `image/` is what the deployed server is built from.

It serves any SavedModel and knows nothing of this project's bundles: nothing else is imported here.
"""
