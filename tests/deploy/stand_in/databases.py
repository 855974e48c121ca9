"""Firestore's databases, and what belongs to them."""

from typing import Any

from state import Call, CloudState, Handler, StandInError

_PROTECTED = "DELETE_PROTECTION_ENABLED"


def _database(call: Call) -> str:
    return str(call.flags["database"])


def _database_create(state: CloudState, call: Call) -> None:
    database = {"locationId": call.flags["location"], "type": "FIRESTORE_NATIVE"}
    state.create("databases", _database(call), database)
    _database_update(state, call)


def _database_update(state: CloudState, call: Call) -> None:
    database = state.get("databases", _database(call))
    for flag, field, name in (
        ("enable-pitr", "pointInTimeRecoveryEnablement", "POINT_IN_TIME_RECOVERY"),
        ("delete-protection", "deleteProtectionState", "DELETE_PROTECTION"),
    ):
        if flag in call.flags:
            database[field] = f"{name}_ENABLED"
        elif f"no-{flag}" in call.flags or field not in database:
            database[field] = f"{name}_DISABLED"


def _database_delete(state: CloudState, call: Call) -> None:
    if state.get("databases", _database(call))["deleteProtectionState"] == _PROTECTED:
        raise StandInError("FAILED_PRECONDITION: the database has delete protection")
    for kind in ("databases", "ttls", "schedules", "documents"):
        state.kind(kind).pop(_database(call), None)


def _ttl(state: CloudState, call: Call) -> None:
    state.get("databases", _database(call))
    state.kind("ttls")[_database(call)] = [{"name": f"quotas/fields/{call.name}"}]


def _backup_schedule(state: CloudState, call: Call) -> None:
    state.get("databases", _database(call))
    seconds = int(call.flags["retention"].removesuffix("d")) * 86400
    state.kind("schedules")[_database(call)] = {"name": "s/1", "retention": f"{seconds}s"}


def _backup_schedule_delete(state: CloudState, call: Call) -> None:
    state.get("schedules", _database(call))
    del state.kind("schedules")[_database(call)]


def _of_database(kind: str) -> Handler:
    """What belongs to a database, which must be there."""

    def read(state: CloudState, call: Call) -> list[Any]:
        state.get("databases", _database(call))
        found = state.kind(kind).get(_database(call), [])
        return found if isinstance(found, list) else [found]

    return read


def _indexes(state: CloudState, call: Call) -> list[dict[str, str]]:
    """Each time somebody asks they are further built."""
    building = state.kind("building").get("indexes", 0)
    if building:
        state.kind("building")["indexes"] = building - 1
    return [
        {"state": "CREATING" if building else "READY"} for _ in _of_database("ttls")(state, call)
    ]


HANDLERS: dict[tuple[str, ...], Handler] = {
    ("firestore", "databases", "describe"): lambda s, c: s.get("databases", _database(c)),
    ("firestore", "databases", "create"): _database_create,
    ("firestore", "databases", "update"): _database_update,
    ("firestore", "databases", "delete"): _database_delete,
    ("firestore", "backups", "schedules", "list"): _of_database("schedules"),
    ("firestore", "backups", "schedules", "create"): _backup_schedule,
    ("firestore", "backups", "schedules", "update"): _backup_schedule,
    ("firestore", "backups", "schedules", "delete"): _backup_schedule_delete,
    ("firestore", "fields", "ttls", "update"): _ttl,
    ("firestore", "fields", "ttls", "list"): _of_database("ttls"),
    ("firestore", "indexes", "composite", "list"): _indexes,
}
