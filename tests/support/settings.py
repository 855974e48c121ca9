"""The fewest settings with which a function starts."""

from __future__ import annotations

LOCAL = {
    "BUCKET": "b",
    "MODEL_SERVER_URL": "http://127.0.0.1:8501",
    "OBSERVATIONS": "sqlite:/tmp/x.db",
    "IDENTITY": "local",
}
