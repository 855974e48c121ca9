# shellcheck shell=bash
# The database, its rules, indexes and expiry (TTL), all from the commit's own files.

part_firestore() {
  local place=(--database="$FIRESTORE_DATABASE" --project="$PROJECT") found
  if ! exists gcloud firestore databases describe "${place[@]}" --format='value(locationId,type)'; then
    change gcloud firestore databases create "${place[@]}" --location="$FIRESTORE_LOCATION" \
      --type=firestore-native --delete-protection
  else
    found=$(cat "$scratch/answer")
    [ "$found" = "$FIRESTORE_LOCATION	FIRESTORE_NATIVE" ] \
      || die "the database $FIRESTORE_DATABASE is '$found', not Firestore in native mode in $FIRESTORE_LOCATION, and cannot change: set FIRESTORE_LOCATION, or FIRESTORE_DATABASE to a new name"
  fi
  deploy_firebase firestore
}

# firebase-tools compares rules, indexes and TTL with what is there and changes what differs; a label
# would not notice an edit in the console.
deploy_firebase() {
  stage_firebase
  converge firebase deploy --only "$1" --project "$PROJECT" --config "$stage/firebase/firebase.json" --non-interactive
}

stage_firebase() {
  local flags=(firebase --region "$REGION" --bucket "$BUCKET" --database "$FIRESTORE_DATABASE" --site "$HOSTING_SITE")
  [ -z "$APP_CHECK_SITE_KEY" ] || flags+=(--app-check-key "$APP_CHECK_SITE_KEY")
  ! dry || shown "$root/dev.sh" stage "${flags[@]}"
  "$python" "$root/deploy/stage.py" "${flags[@]}" >"$scratch/staged" || die 'staging failed; the lines above say why'
}
