# shellcheck shell=bash
# Whether what has one of our names was made by deploy.sh. What was not is left alone, or taken over
# with --adopt. Each foreign_... describes it, and prints nothing where the name is free or ours.

# Ends the script before something of others changes: $1 kind, $2 name, $3 the setting that names it.
must_be_ours() {
  local what
  if dry; then return; fi
  what=$("foreign_$1" "$2") || exit 1
  [ -n "$what" ] || return 0
  [ "$adopt" = true ] || die "$what, which deploy.sh did not make, and would be changed. Set $3 in deploy.env for another name, or take it over with --adopt"
  say "Taken over: $what."
}

# Ends the script if another REGION or PREFIX made services of ours, which would go on beside the new ones or
# lose their accounts. An API that is off has none; whatever else fails here fails again below.
must_be_alone() {
  local name place
  if dry; then return; fi
  gcloud run services list --project="$PROJECT" --format='value(metadata.name,metadata.labels."cloud.googleapis.com/location")' \
    --filter="metadata.labels.fingerprint:* AND spec.template.spec.serviceAccountName~\"^($CLASSIFY_ACCOUNT|$SAVE_ACCOUNT|$OBSERVATIONS_ACCOUNT|$PROCESS_ACCOUNT|$MODEL_ACCOUNT)@$PROJECT\"" \
    >"$scratch/answer" 2>/dev/null || return 0
  while read -r name place; do
    case "$place: $MODEL_SERVER ${functions[*]/#/$PREFIX} " in "$REGION:"*" $name "*) continue ;; esac
    die "the service $name in $place was made with another REGION or PREFIX: set them as they were; to change them, \`destroy\` first (data stays)"
  done <"$scratch/answer"
}

# A label says what our services, jobs and buckets were made of.
foreign_service() { foreign_run service "$1"; }

foreign_job() { foreign_run job "$1"; }

foreign_run() {
  exists gcloud run "$1s" describe "$2" --region="$REGION" --project="$PROJECT" --format='value(metadata.labels.fingerprint)' \
    && [ -z "$(cat "$scratch/answer")" ] || return 0
  printf 'there is a Cloud Run %s %s' "$1" "$2"
}

# An empty one may be ours: it is labelled after it is made.
foreign_bucket() {
  exists gcloud storage buckets describe "gs://$1" --format='value(labels.settings)' \
    && [ -z "$(cat "$scratch/answer")" ] || return 0
  exists gcloud storage ls "gs://$1" && [ -n "$(cat "$scratch/answer")" ] || return 0
  printf 'the bucket gs://%s holds objects' "$1"
}

# A database has no labels. In ours counters expire, which a restored one does not know any more.
foreign_database() {
  local place=(--database="$1" --project="$PROJECT") found
  exists gcloud firestore databases describe "${place[@]}" --format='value(locationId)' || return 0
  found=$(value gcloud firestore fields ttls list "${place[@]}" --collection-group=quotas --format='value(name)') || exit 1
  [ -z "$found" ] || return 0
  found=$(value curl --fail-with-body --silent --show-error -H "Authorization: Bearer $(gcloud auth print-access-token)" \
    -H "X-Goog-User-Project: $PROJECT" -H 'Content-Type: application/json' -d '{"pageSize": 5}' \
    "https://firestore.googleapis.com/v1/projects/$PROJECT/databases/$1/documents:listCollectionIds") || exit 1
  found=$(tr -d '\n ' <<<"$found" | sed -nE 's/.*"collectionIds":\[([^]]*)\].*/\1/p')
  [ -z "$found" ] || printf 'the Firestore database %s holds %s' "$1" "$found"
}

# Ours tells its release; one without any answers 404.
foreign_site() {
  local url=https://$1.web.app
  ! grep -qxE '[0-9a-f]{64}' <<<"$(curl --silent --fail --max-time 20 "$url/release.txt")" || return 0
  [ "$(curl --silent --output "$scratch/page" --write-out '%{http_code}' --max-time 20 "$url/")" = 200 ] || return 0
  printf 'a page is at %s' "$url"
}
