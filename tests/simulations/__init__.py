"""What a test or docs/learning.md tells of many people and weeks: simulated, with real answers.

Each module is a command, too: PYTHONPATH=.:shared .venv/bin/python -m tests.simulations.NAME PHOTOS
"""
