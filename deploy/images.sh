# shellcheck shell=bash
# Images, each named after what it is made of, so that the same is not built twice. Cloud Build makes
# them in BUILD_REGION, which need not be where they run, from a folder that it finds in our own bucket.

image_name() { printf '%s-docker.pkg.dev/%s/%s/%s:%s' "$REGION" "$PROJECT" "$REPOSITORY" "$1" "$2"; }

image_there() {
  exists gcloud artifacts docker images describe "$1" --project="$PROJECT" --format='value(image_summary.digest)'
}

# The repository, of whose images the newest few are kept.
ensure_repository() {
  local place=(--location="$REGION" --project="$PROJECT") policies
  registry "$REPOSITORY" roles/artifactregistry.writer
  policies=$(ask gcloud artifacts repositories describe "$REPOSITORY" "${place[@]}" --format='value(cleanupPolicies)')
  [ -n "$policies" ] \
    || change gcloud artifacts repositories set-cleanup-policies "$REPOSITORY" "${place[@]}" \
      --policy="$root/deploy/templates/keep-images.json" --no-dry-run
}

# A copy of Docker Hub's images, which stay when they are withdrawn or its limits are used up.
ensure_hub() { registry "$REPOSITORY-hub" roles/artifactregistry.reader --mode=remote-repository --remote-docker-repo=docker-hub; }

# $1 name, $2 the role of builds, then more flags.
registry() {
  local place=(--location="$REGION" --project="$PROJECT")
  exists gcloud artifacts repositories describe "$1" "${place[@]}" \
    || change gcloud artifacts repositories create "$1" --repository-format=docker --labels=parrot=images "${@:3}" "${place[@]}"
  grant 'artifacts repositories' "$1" "$(member "$BUILD_ACCOUNT")" "$2" "${place[@]}"
}

# $1 folder, $2 what Cloud Build does with it, then more flags.
build() {
  local folder=$1 config=$2
  shift 2
  change_patiently gcloud builds submit "$folder" --config="$config" --region="$BUILD_REGION" --project="$PROJECT" \
    --gcs-source-staging-dir="gs://$MODEL_BUCKET/source" \
    --service-account="projects/$PROJECT/serviceAccounts/$(account "$BUILD_ACCOUNT")" "$@"
}
