"""How fast the service is, as ratios: to what is physically possible, and to the first version.

Read `measure.py`: it tells the story of one run.
"""
