"""A recorded stand-in for gcloud, firebase and curl that remembers what was done.

It runs under the Python of the Google Cloud SDK: command lines go through gcloud's own parser, and
answers through its own --format, --filter and --flatten.
"""
