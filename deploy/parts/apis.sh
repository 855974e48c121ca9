# shellcheck shell=bash
# The Google APIs that the service uses, Google's own accounts behind them, and Firebase.

part_apis() {
  local api enabled publisher missing=() wanted=(
    run.googleapis.com cloudbuild.googleapis.com artifactregistry.googleapis.com
    eventarc.googleapis.com pubsub.googleapis.com storage.googleapis.com
    firestore.googleapis.com firebase.googleapis.com firebaserules.googleapis.com
    firebasestorage.googleapis.com firebasehosting.googleapis.com identitytoolkit.googleapis.com
    secretmanager.googleapis.com iam.googleapis.com iamcredentials.googleapis.com
    logging.googleapis.com monitoring.googleapis.com cloudscheduler.googleapis.com
    cloudresourcemanager.googleapis.com
  )
  [ -z "$BUDGET" ] || wanted+=(billingbudgets.googleapis.com)
  [ "$MODELS" = run ] || wanted+=(aiplatform.googleapis.com)
  [ "$REQUIRE_APP_CHECK" = false ] || wanted+=(firebaseappcheck.googleapis.com)
  enabled=$(ask gcloud services list --enabled --project="$PROJECT" --format='value(config.name)')
  for api in "${wanted[@]}"; do
    grep -qxF "$api" <<<"$enabled" || missing+=("$api")
  done
  while [ ${#missing[@]} != 0 ]; do # Google takes at most 20 at a time
    change gcloud services enable "${missing[@]:0:20}" --project="$PROJECT"
    missing=("${missing[@]:20}")
  done
  ensure_agent eventarc.googleapis.com gcp-sa-eventarc roles/eventarc.serviceAgent
  ensure_agent pubsub.googleapis.com gcp-sa-pubsub roles/pubsub.serviceAgent
  # Long before the triggers that need it. Storage's agent does not exist until it is asked for.
  publisher=$(agent gs-project-accounts) || exit 1
  has_role projects "$PROJECT" "$publisher" roles/pubsub.publisher \
    || change gcloud storage service-agent --project="$PROJECT"
  grant projects "$PROJECT" "$publisher" roles/pubsub.publisher
  ensure_firebase
}

# A new project gets these accounts at first use, which is too late for the grants below.
ensure_agent() {
  local api=$1 member
  member=$(agent "$2") || exit 1
  if has_role projects "$PROJECT" "$member" "$3"; then return; fi
  change gcloud beta services identity create --service="$api" --project="$PROJECT"
  grant projects "$PROJECT" "$member" "$3"
}

ensure_firebase() {
  local projects
  projects=$(ask firebase projects:list --json --non-interactive)
  ! grep -qE "\"projectId\": *\"$PROJECT\"" <<<"$projects" || return 0
  change firebase projects:addfirebase "$PROJECT" --non-interactive
}
