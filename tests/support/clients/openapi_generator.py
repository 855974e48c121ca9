"""What an app does, by the client that OpenAPI Generator makes: URL, TOKEN, PHOTO."""

import json
import sys
from pathlib import Path

from parrots import ApiClient, ApiException, ClassifyApi, Configuration, ObservationsApi
from parrots.models import UpdateObservationJson

url, token, path = sys.argv[1:]
photo = Path(path).read_bytes()
client = ApiClient(Configuration(host=url, access_token=token))
classify, observations = ClassifyApi(client), ObservationsApi(client)

form = {"_content_type": "multipart/form-data"}  # else it calls every body JSON that may be JSON

single = classify.classify([photo], **form).actual_instance
joint = classify.classify([photo, photo], **form).actual_instance
try:
    code = classify.classify([b"<html>"], **form)
except ApiException as error:
    code = error.data.code
saved = observations.save_photo_with_http_info(
    photo, species2="ara-ararauna", idempotency_key="one-key", **form
)
observation = saved.data
page = observations.list_observations(page_size=5)
changed = observations.update_observation(
    observation.id, UpdateObservationJson(species="ara-macao"), if_match=saved.headers["ETag"]
)
deleted = observations.delete_observation_with_http_info(observation.id)
print(  # noqa: T201
    json.dumps(
        {
            "types": [type(single).__name__, type(joint).__name__],
            "verdict": single.parrot.verdict,
            "photos": len(joint.photos),
            "code": code,
            "listed": [row.id == observation.id for row in page.observations],
            "year": observation.created.year,
            "status": observation.status,
            "species": changed.species,
            "deleted": deleted.status_code,
        }
    )
)
