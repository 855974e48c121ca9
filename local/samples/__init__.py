"""The picture that every clone has: a blue-and-yellow macaw, drawn for this project.

It stands in the dappled light of a wood, since the gate tells flat drawings from birds.
"""

from pathlib import Path

MACAW = Path(__file__).with_name("macaw.jpg")
