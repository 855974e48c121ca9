"""What an app does, by the client that openapi-python-client makes: URL, TOKEN, PHOTO."""

import io
import json
import sys
from pathlib import Path

from parrot_classifier_client import AuthenticatedClient
from parrot_classifier_client.api.classify import classify
from parrot_classifier_client.api.observations import (
    delete_observation,
    list_observations,
    save_photo,
    update_observation,
)
from parrot_classifier_client.models import ClassifyForm, SavePhotoForm, UpdateObservationJson
from parrot_classifier_client.types import File

url, token, path = sys.argv[1:]
photo = Path(path).read_bytes()
client = AuthenticatedClient(base_url=url, token=token)


def form(*photos: bytes) -> ClassifyForm:
    return ClassifyForm(image=[File(io.BytesIO(data), "photo.jpg") for data in photos])


single = classify.sync(client=client, body=form(photo))
joint = classify.sync(client=client, body=form(photo, photo))
refused = classify.sync(client=client, body=form(b"<html>"))
kept = SavePhotoForm(image=File(io.BytesIO(photo), "photo.jpg"), species="ara-ararauna")
saved = save_photo.sync_detailed(client=client, body=kept, idempotency_key="one-key")
observation = saved.parsed
page = list_observations.sync(client=client, page_size=5)
changed = update_observation.sync(
    observation.id,
    client=client,
    body=UpdateObservationJson(species="ara-macao"),
    if_match=saved.headers["ETag"],
)
deleted = delete_observation.sync_detailed(observation.id, client=client)
print(  # noqa: T201
    json.dumps(
        {
            "types": [type(single).__name__, type(joint).__name__],
            "verdict": single.parrot.verdict,
            "photos": len(joint.photos),
            "code": refused.code,
            "listed": [row.id == observation.id for row in page.observations],
            "year": observation.created.year,
            "status": observation.status,
            "species": changed.species,
            "deleted": deleted.status_code,
        }
    )
)
