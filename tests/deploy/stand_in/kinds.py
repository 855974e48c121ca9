"""What plain resources have in common: they are created, described, listed and deleted."""

from state import Call, CloudState, Handler


def describe(kind: str) -> Handler:
    return lambda state, call: state.get(kind, call.name)


def listed(kind: str) -> Handler:
    return lambda state, _call: list(state.kind(kind).values())


def create(kind: str) -> Handler:
    def create(state: CloudState, call: Call) -> None:
        labels = dict([call.flags["labels"].split("=", 1)])
        state.create(kind, call.name, {"name": call.name, **call.flags, "labels": labels})

    return create


def delete(kind: str) -> Handler:
    def delete(state: CloudState, call: Call) -> None:
        state.get(kind, call.name)
        del state.kind(kind)[call.name]

    return delete


def short(name: str) -> str:
    return name.rpartition("/")[2]
