"""Tokens as Firebase and its emulator issue them, and keys to sign them with."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "demo-parrot"
AUTH_EMULATOR = "FIREBASE_AUTH_EMULATOR_HOST"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": "ana",
        "iat": now - 5,
        "exp": now + 3600,
        "auth_time": now - 5,
        **changes,
    }


def unsigned(**changes: Any) -> str:
    """A token as the Auth emulator issues it."""
    head = {"alg": "none", "typ": "JWT"}
    parts = (json.dumps(part).encode() for part in (head, claims(**changes)))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed(key: rsa.RSAPrivateKey = KEY, kid: str = "one", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="RS256", headers={"kid": kid})


def app_token(key: rsa.RSAPrivateKey = KEY, kid: str = "one", **changes: Any) -> str:
    app = {
        "iss": "https://firebaseappcheck.googleapis.com/123",
        "aud": ["projects/123", f"projects/{PROJECT}"],
        "sub": "1:123:android:abc",
    }
    return jwt.encode(claims(**{**app, **changes}), key, algorithm="RS256", headers={"kid": kid})
