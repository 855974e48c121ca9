# shellcheck shell=bash
# The database, its rules, indexes and expiry (TTL), all from the commit's own files.

part_firestore() {
  local place=(--database="$FIRESTORE_DATABASE" --project="$PROJECT") found flags=(--delete-protection --enable-pitr) wanted=ENABLED
  must_be_ours database "$FIRESTORE_DATABASE" FIRESTORE_DATABASE
  [ "$POINT_IN_TIME_RECOVERY" != false ] || flags=(--delete-protection --no-enable-pitr) wanted=DISABLED
  wanted="$FIRESTORE_LOCATION|FIRESTORE_NATIVE|DELETE_PROTECTION_ENABLED|POINT_IN_TIME_RECOVERY_$wanted"
  if ! exists gcloud firestore databases describe "${place[@]}" \
    --format='value[separator="|"](locationId,type,deleteProtectionState,pointInTimeRecoveryEnablement)'; then
    change gcloud firestore databases create "${place[@]}" --location="$FIRESTORE_LOCATION" --type=firestore-native "${flags[@]}"
  else
    found=$(cat "$scratch/answer")
    [ "${found%|*|*}" = "${wanted%|*|*}" ] \
      || die "the database $FIRESTORE_DATABASE is '${found%|*|*}', not Firestore in native mode in $FIRESTORE_LOCATION, and cannot change: set FIRESTORE_LOCATION, or FIRESTORE_DATABASE to a new name"
    [ "$found" = "$wanted" ] || change gcloud firestore databases update "${place[@]}" "${flags[@]}"
  fi
  ensure_backups
  ensure_counters
  deploy_firebase firestore
  wait_for_indexes
}

# A backup every day. docs/operations.md says how one is restored.
ensure_backups() {
  local found
  found=$(ask gcloud firestore backups schedules list "${place[@]}" --filter='NOT weeklyRecurrence:*' --limit=1 \
    --format='value[separator="|"](name.basename(),retention)')
  if [ "$BACKUP_DAYS" = 0 ]; then
    [ -z "$found" ] || change gcloud firestore backups schedules delete "${place[@]}" --backup-schedule="${found%|*}" --quiet
  elif [ -z "$found" ]; then
    change gcloud firestore backups schedules create "${place[@]}" --recurrence=daily --retention="${BACKUP_DAYS}d"
  elif [ "${found#*|}" != "$((BACKUP_DAYS * 86400))s" ]; then
    change gcloud firestore backups schedules update "${place[@]}" --backup-schedule="${found%|*}" --retention="${BACKUP_DAYS}d"
  fi
}

# For classify alone: it decodes what strangers send, so it may write nothing else.
ensure_counters() {
  local place=(--database="$COUNTERS_DATABASE" --project="$PROJECT") found
  must_be_ours database "$COUNTERS_DATABASE" COUNTERS_DATABASE
  exists gcloud firestore databases describe "${place[@]}" --format='value(locationId)' \
    || change gcloud firestore databases create "${place[@]}" --location="$FIRESTORE_LOCATION" --type=firestore-native
  found=$(ask gcloud firestore fields ttls list "${place[@]}" --collection-group=quotas --format='value(name)')
  [ -n "$found" ] || change gcloud firestore fields ttls update expires --collection-group=quotas --enable-ttl --async "${place[@]}"
}

# Until an index is built its queries fail, so functions come after it. It takes minutes.
wait_for_indexes() {
  local try states
  for ((try = 1; try <= 120; try++)); do
    states=$(ask gcloud firestore indexes composite list "${place[@]}" --format='value(state)')
    case $states in *CREATING*) ;; *) return ;; esac
    [ "$try" != 1 ] || say 'Waiting for Firestore to build its indexes.'
    sleep "$RETRY_SECONDS"
  done
  die 'Firestore is still building indexes: run this again in a while'
}

# firebase-tools compares rules, indexes and TTL with what is there and changes what differs; a label
# would not notice an edit in the console.
deploy_firebase() {
  stage_firebase
  converge firebase deploy --only "$1" --project "$PROJECT" --config "$stage/firebase/firebase.json" --non-interactive
}

stage_firebase() {
  local flags=(firebase --region "$REGION" --bucket "$BUCKET" --database "$FIRESTORE_DATABASE" --site "$HOSTING_SITE" --prefix "$PREFIX")
  [ -z "$APP_CHECK_SITE_KEY" ] || flags+=(--app-check-key "$APP_CHECK_SITE_KEY")
  staged "${flags[@]}"
}
