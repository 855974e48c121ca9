"""A recorded stand-in for gcloud, firebase and curl that keeps its state in a JSON file.

It runs under the Python of the Google Cloud SDK: command lines go through gcloud's own parser, and
answers through its own --format, --filter and --flatten.
"""
