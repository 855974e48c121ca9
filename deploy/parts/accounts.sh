# shellcheck shell=bash
# Service accounts and their roles. docs/operations.md gives the reason for each line of grants.

part_accounts() {
  local name
  ensure_account "$CLASSIFY_ACCOUNT" 'function classify'
  ensure_account "$SAVE_ACCOUNT" 'function save'
  ensure_account "$OBSERVATIONS_ACCOUNT" 'function observations'
  ensure_account "$PROCESS_ACCOUNT" 'function process'
  ensure_account "$MODEL_ACCOUNT" 'model server'
  ensure_account "$TRIGGER_ACCOUNT" 'delivers storage events to process'
  ensure_account "$BUILD_ACCOUNT" 'builds images'
  for name in "$CLASSIFY_ACCOUNT" "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT" "$PROCESS_ACCOUNT"; do
    grant 'storage buckets' "gs://$MODEL_BUCKET" "$(member "$name")" roles/storage.objectViewer
  done
  grant_database "$(member "$CLASSIFY_ACCOUNT")" "$COUNTERS_DATABASE"
  for name in "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT" "$PROCESS_ACCOUNT"; do
    grant_database "$(member "$name")" "$FIRESTORE_DATABASE"
    grant 'storage buckets' "gs://$BUCKET" "$(member "$name")" roles/storage.objectUser
  done
  if [ "$CHECK_REVOKED" = true ]; then
    for name in "$CLASSIFY_ACCOUNT" "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT"; do
      grant projects "$PROJECT" "$(member "$name")" roles/firebaseauth.viewer
    done
  fi
  if [ "$DELETE_USERS" = true ]; then
    grant projects "$PROJECT" "$(member "$OBSERVATIONS_ACCOUNT")" roles/firebaseauth.admin
  fi
  if [ "$MODELS" = vertex ]; then
    for name in "$CLASSIFY_ACCOUNT" "$PROCESS_ACCOUNT"; do
      grant projects "$PROJECT" "$(member "$name")" roles/aiplatform.user
    done
  fi
  [ "$LEARNING" = false ] || learning_account
  grant projects "$PROJECT" "$(member "$TRIGGER_ACCOUNT")" roles/eventarc.eventReceiver
  grant projects "$PROJECT" "$(member "$BUILD_ACCOUNT")" roles/logging.logWriter
  # Of the bucket of bundles, where Cloud Build finds its folders: it must see no photo.
  grant 'storage buckets' "gs://$MODEL_BUCKET" "$(member "$BUILD_ACCOUNT")" roles/storage.objectViewer
}

# It adds bundles and changes none, nor the file that names the one to be used.
learning_account() {
  local only object=projects/_/buckets/$MODEL_BUCKET/objects/bundles/
  ensure_account "$LEARNING_ACCOUNT" 'learns from saved photos'
  grant_database "$(member "$LEARNING_ACCOUNT")" "$FIRESTORE_DATABASE"
  grant 'storage buckets' "gs://$BUCKET" "$(member "$LEARNING_ACCOUNT")" roles/storage.objectViewer
  grant 'storage buckets' "gs://$MODEL_BUCKET" "$(member "$LEARNING_ACCOUNT")" roles/storage.objectViewer
  only="expression=resource.name.startsWith(\"$object\") && resource.name!=\"${object}current.json\",title=new bundles"
  grant 'storage buckets' "gs://$MODEL_BUCKET" "$(member "$LEARNING_ACCOUNT")" roles/storage.objectCreator
}

ensure_account() {
  exists gcloud iam service-accounts describe "$(account "$1")" --project="$PROJECT" \
    || change gcloud iam service-accounts create "$1" --display-name="Parrot: $2" --project="$PROJECT"
}
