"""A soak: mixed requests for a long time while parts fail; nothing is lost, wrong or growing.

Start with `run.py`: it is one soak from start to end.
"""
