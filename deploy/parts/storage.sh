# shellcheck shell=bash
# The buckets: photos, and bundles.

part_storage() {
  local origins=${CORS_ORIGINS// /}
  origins=${origins//\/,/,} origins=${origins%/}
  render "$root/deploy/templates/cors.json" "$built/cors.json" ORIGINS="${origins//,/\", \"}"
  must_be_ours bucket "$BUCKET" BUCKET
  must_be_ours bucket "$MODEL_BUCKET" MODEL_BUCKET
  ensure_bucket "$BUCKET" "$BUCKET_LOCATION" "$root/deploy/templates/lifecycle.json" "$built/cors.json"
  ensure_bucket "$MODEL_BUCKET" "$REGION" "$root/deploy/templates/lifecycle-models.json"
  link_to_firebase
}

# $1 name, $2 location, $3 lifecycle file, $4 CORS file or nothing. A label remembers what was set.
ensure_bucket() {
  local name=$1 location=$2 files=("--lifecycle-file=$3") wanted found
  if [ $# = 4 ]; then files+=("--cors-file=$4"); fi
  wanted=$({ printf '%s\n' "$SOFT_DELETE"; cat "$3" ${4+"$4"}; } | digest)
  if ! exists gcloud storage buckets describe "gs://$name" --format='value(location)'; then
    change gcloud storage buckets create "gs://$name" --project="$PROJECT" --location="$location" \
      --uniform-bucket-level-access --public-access-prevention --soft-delete-duration="$SOFT_DELETE"
  else
    found=$(tr '[:upper:]' '[:lower:]' <"$scratch/answer")
    # Only a trigger must be where its bucket is: one of bundles may be anywhere.
    [ $# = 3 ] || [ "$found" = "$location" ] \
      || die "gs://$name is in '$found', not '$location', and cannot move: set BUCKET_LOCATION=$found in deploy.env, or another name"
    found=$(value gcloud storage buckets describe "gs://$name" \
      --format='value(labels.settings,uniform_bucket_level_access,public_access_prevention)')
    [ "$found" != "$wanted	True	enforced" ] || return 0
  fi
  change gcloud storage buckets update "gs://$name" "${files[@]}" --uniform-bucket-level-access \
    --public-access-prevention --soft-delete-duration="$SOFT_DELETE" --update-labels="settings=$wanted"
}

# storage.rules guard only buckets that Firebase knows. There is no gcloud command for it.
link_to_firebase() {
  local url="https://firebasestorage.googleapis.com/v1beta/projects/$PROJECT/buckets/$BUCKET"
  local token="Authorization: Bearer \$(gcloud auth print-access-token)"
  local head="curl --fail-with-body --silent --show-error -H \"$token\" -H 'X-Goog-User-Project: $PROJECT'"
  if ! dry && (eval "$head '$url'") >/dev/null 2>&1; then return; fi
  change_shell "$head -H 'Content-Type: application/json' -d '{}' '$url:addFirebase'"
}
