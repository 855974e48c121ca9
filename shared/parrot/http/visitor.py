"""Who is asking without a login: by App Check token, or by address."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from parrot.quota import Visitor, network

if TYPE_CHECKING:
    from flask import Request

    from parrot.config import Settings


def visitor(request: Request, config: Settings) -> Visitor:
    """Whoever sent this request without a login; call `caller.attest` first.

    A checked App Check token stands for one installed app. Without one the address counts. Each
    proxy appends to X-Forwarded-For where a request came from, so only the last entries, one for
    each proxy of ours, are true; a client may have written all others. Firebase Hosting appends its
    own content network there, and names the phone in a header that anybody else could send too.
    """
    token = request.headers.get("X-Firebase-AppCheck")
    if config.require_app_check and token:
        return Visitor(hashlib.sha256(token.encode()).hexdigest())
    hops = [request.remote_addr or "", *request.headers.get("X-Forwarded-For", "").split(",")]
    proxies = config.trusted_proxies
    at = hops[-proxies] if 0 < proxies < len(hops) else hops[0]
    hop = network(at) or "unknown"
    phone = network(request.headers.get("Fastly-Client-IP", "")) if proxies else None
    return Visitor(hop) if phone in {None, hop} else Visitor(str(phone), via=hop)
