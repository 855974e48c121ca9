"""How fast the service is, compared with what is physically possible and with the first version.

Start with `measure.py`: it is one run from start to end.
"""
