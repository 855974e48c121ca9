"""Firebase's tokens: who is calling (Authentication), and from which app (App Check)."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import firebase_admin
import jwt
from firebase_admin import app_check, auth, credentials, exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from jwt.exceptions import PyJWKClientConnectionError, PyJWKClientError, PyJWKSetError

from parrot import deadline
from parrot.errors import IdentityUnavailable, Unauthenticated
from parrot.quota import User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firebase_admin import App

T = TypeVar("T")
REVIEWER = "reviewer"  # the custom claim
_TIMEOUT_SECONDS = 5.0  # between two reads
_WHOLE_SECONDS = 6.0
_AHEAD_SECONDS = 60  # how far the issuer's clock may be ahead of ours
_GARBAGE = (json.JSONDecodeError, UnicodeDecodeError)
_THREADS = ThreadPoolExecutor(32, "identity")  # threads start one by one, when needed


def connect(project: str, *, credentialed: bool) -> App:
    """The app for a project. No request is made here.

    Tokens are checked with public certificates. Only the check for ended sessions needs the
    service's own credentials.
    """
    name = f"parrot-{project}-{'own' if credentialed else 'no'}-credentials"
    try:
        return firebase_admin.get_app(name)
    except ValueError:
        return firebase_admin.initialize_app(
            None if credentialed else _NoCredentials(),
            {"projectId": project, "httpTimeout": _TIMEOUT_SECONDS},
            name=name,
        )


class FirebaseIdentity:
    """ID tokens of Firebase Authentication."""

    def __init__(self, app: App, *, check_revoked: bool) -> None:
        """With `check_revoked`, each call asks Firebase whether the session was ended."""
        self._app, self._check_revoked = app, check_revoked

    def user(self, token: str) -> User:
        """The token's user. Raises Unauthenticated, IdentityUnavailable.

        The vendor's messages may quote the token, so they are dropped.
        """
        try:
            claims = _in_time(
                lambda: auth.verify_id_token(
                    token,
                    self._app,
                    check_revoked=self._check_revoked,
                    clock_skew_seconds=_AHEAD_SECONDS,
                )
            )
            user = User(claims["uid"], reviewer=claims.get(REVIEWER) is True)
        except auth.ExpiredIdTokenError as error:
            raise Unauthenticated("the ID token has expired: get a new one") from error
        except (auth.RevokedIdTokenError, auth.UserDisabledError, auth.UserNotFoundError) as error:
            raise Unauthenticated("this session was ended: sign in again") from error
        except (auth.InvalidIdTokenError, ValueError) as error:
            if isinstance(error.__context__, _GARBAGE):  # a bad token gives MalformedError
                raise IdentityUnavailable("the certificates for ID tokens are damaged") from error
            raise Unauthenticated("not a valid Firebase ID token for this project") from error
        except (exceptions.FirebaseError, GoogleAuthError) as error:
            raise IdentityUnavailable(
                f"the ID token cannot be checked now ({type(error).__name__})"
            ) from error
        if _time(claims, "exp") < time.time():  # the library accepts it for as long again
            raise Unauthenticated("the ID token has expired: get a new one")
        return user


class FirebaseUsers:
    """The accounts themselves; needs the service's own credentials."""

    def __init__(self, app: App) -> None:
        self._app = app

    def remove(self, uid: str) -> None:
        """End an account; no error if there is none. Raises IdentityUnavailable."""
        try:
            _in_time(lambda: auth.delete_user(uid, self._app))
        except auth.UserNotFoundError:
            return
        except (exceptions.FirebaseError, GoogleAuthError, ValueError) as error:
            raise IdentityUnavailable(
                f"the account cannot be removed now ({type(error).__name__})"
            ) from error

    def let_review(self, uid: str, *, allowed: bool) -> None:
        """Grant the claim or take it, and end sessions that still have it. Raises ValueError."""
        try:
            known = auth.get_user(uid, self._app).custom_claims or {}
            auth.set_custom_user_claims(uid, {**known, REVIEWER: allowed}, self._app)
            auth.revoke_refresh_tokens(uid, self._app)
        except exceptions.FirebaseError as error:
            raise ValueError(str(error)) from error


class FirebaseAppCheck:
    """App Check tokens: the caller is one of the project's apps."""

    def __init__(self, app: App) -> None:
        self._app = app
        # The library passes no tolerance on, so PyJWT leaves the time of issue to `check`.
        jwt.api_jwt._jwt_global_obj.options["verify_iat"] = False  # noqa: SLF001

    def check(self, token: str) -> None:
        """Raises Unauthenticated, IdentityUnavailable."""
        try:
            claims = _in_time(lambda: app_check.verify_token(token, self._app))
        except (PyJWKClientConnectionError, PyJWKSetError) as error:
            raise IdentityUnavailable("the App Check token cannot be checked now") from error
        except (ValueError, exceptions.FirebaseError, PyJWKClientError) as error:
            raise Unauthenticated("the App Check token is not valid") from error
        if _time(claims, "iat") > time.time() + _AHEAD_SECONDS:
            raise Unauthenticated("the App Check token is not valid")


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Seconds since 1970. Raises Unauthenticated where the signed claim is not a time."""
    try:
        return float(claims[name])
    except (KeyError, TypeError, ValueError) as error:
        raise Unauthenticated("the token has no times") from error


def _in_time(verify: Callable[[], T]) -> T:
    """Run it within the deadline. Raises IdentityUnavailable, and what `verify` raises.

    The library fetches certificates itself and limits only each read: a server that drips would
    hold the caller for minutes.
    """
    result = _THREADS.submit(verify)
    try:
        return result.result(deadline.left(_WHOLE_SECONDS))
    except TimeoutError as error:
        result.cancel()
        raise IdentityUnavailable(
            "tokens cannot be checked now (the certificates are late)"
        ) from error


class _NoCredentials(credentials.Base):  # type: ignore[misc]  # the vendor has no types
    def get_credential(self) -> AnonymousCredentials:
        return AnonymousCredentials()
