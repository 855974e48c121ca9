# shellcheck shell=bash
# Removes what deploy.sh made, and nothing else. What is ours shows by its label or description, or by
# what it points to. Photos, bundles and the database stay unless --with-data is given.

destroy() {
  local answer listing=false left=0
  local place=(--region="$REGION" --project="$PROJECT")
  if ! dry; then
    listing=true
    must_be_alone
    destroy_all
    if [ "$left" = 0 ]; then
      say 'There is nothing to remove.'
      return
    fi
    [ "$with_data" = true ] || say 'Photos, bundles and the database stay: --with-data removes them too.'
    printf 'Type the name of the project to remove all this: ' >&2
    read -r answer || true
    [ "$answer" = "$PROJECT" ] || die 'nothing was removed'
    listing=false
  fi
  destroy_all
  dry || say "Done: $changes changes. APIs, Firebase, rules and Google's own accounts stay."
}

# Outside first: nothing asks for what is already gone.
destroy_all() {
  local name vertex
  destroy_page
  destroy_watching
  destroy_events
  for name in "${functions[@]/#/$PREFIX}" "$MODEL_SERVER"; do
    drop "service $name" metadata.labels.fingerprint : gcloud run services describe "$name" "${place[@]}"
  done
  drop "job $LEARNER" metadata.labels.fingerprint : gcloud run jobs describe "$LEARNER" "${place[@]}"
  vertex=$(ask gcloud services list --enabled --project="$PROJECT" --filter=config.name=aiplatform.googleapis.com --format='value(config.name)') || exit 1
  [ "$MODELS$vertex" = run ] || destroy_vertex # an endpoint is billed, also one that is not used any more
  drop "images in $REPOSITORY" labels.parrot : gcloud artifacts repositories describe "$REPOSITORY" --location="$REGION" --project="$PROJECT"
  drop "copies in $REPOSITORY-hub" labels.parrot : gcloud artifacts repositories describe "$REPOSITORY-hub" --location="$REGION" --project="$PROJECT"
  drop "secret $SECRET" labels.parrot : gcloud secrets describe "$SECRET" --project="$PROJECT"
  for name in "$CLASSIFY_ACCOUNT" "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT" "$PROCESS_ACCOUNT" "$MODEL_ACCOUNT" "$TRIGGER_ACCOUNT" "$BUILD_ACCOUNT" "$LEARNING_ACCOUNT"; do
    destroy_account "$name"
  done
  destroy_database "$COUNTERS_DATABASE"
  [ "$with_data" = false ] || destroy_data
}

# Whether something is there and ours: $1 the field that shows it, $2 a pattern for it (: is anything),
# then the question. Under --dry-run everything is.
found() {
  local field=$1 pattern=$2
  shift 2
  if dry; then return; fi
  exists "$@" --format="value($field)" && [ -n "$(cat "$scratch/answer")" ] || return 1
  [ "$pattern" = : ] || grep -qE "$pattern" "$scratch/answer"
}

# Lists what would be removed, or removes it: $1 what, then the command.
remove() {
  left=$((left + 1))
  if [ "$listing" = true ]; then
    say "  $1"
  else
    change "${@:2}"
  fi
}

# Removes what a `describe` finds: $1 what it is, then the words of `found`.
drop() {
  local what=$1 word command=()
  shift
  found "$@" || return 0
  for word in "${@:3}"; do
    [ "$word" != describe ] || word=delete
    command+=("$word")
  done
  remove "$what" "${command[@]}" --quiet
}

# Removes what a `list` finds: $1 what it is, $2 the words of the list, $3 its filter, then flags of `delete`.
drop_each() {
  local what=$1 filter=$3 list name names
  read -ra list <<<"$2"
  shift 3
  names=$(ask gcloud "${list[@]}" --project="$PROJECT" --filter="$filter" --format='value(name)') || exit 1
  for name in $names; do
    remove "$what $name" gcloud "${list[@]:0:${#list[@]}-1}" delete "$name" --project="$PROJECT" --quiet "$@"
  done
}

destroy_page() {
  dry || curl --silent --fail --max-time 20 "https://$HOSTING_SITE.web.app/release.txt" | grep -qxE '[0-9a-f]{64}' || return 0
  remove "page https://$HOSTING_SITE.web.app" firebase hosting:disable --site "$HOSTING_SITE" --project "$PROJECT" --force --non-interactive
}

destroy_watching() {
  local name file account found
  drop_each alert 'alpha monitoring policies list' 'userLabels.parrot:*'
  drop_each 'uptime check' 'monitoring uptime list-configs' 'displayName="parrot classify"'
  drop_each dashboard 'monitoring dashboards list' labels:parrot
  drop_each notifications 'beta monitoring channels list' 'displayName:"Parrot: "' --force
  if [ -n "$BUDGET" ]; then
    find_budget
    [ -z "$found" ] || remove "budget ${found%%|*}" gcloud billing budgets delete "${found%%|*}" --quiet
  fi
  for file in "$root"/deploy/templates/metrics/*.json; do
    name=$(basename "$file" .json)
    drop "metric $name" description '\([0-9a-f]{32}\)$' gcloud logging metrics describe "$name" --project="$PROJECT"
  done
  ! found 'exclusions.extract(name).flatten()' download-urls gcloud logging sinks describe _Default --project="$PROJECT" \
    || remove 'exclusion of URLs from the log' gcloud logging sinks update _Default --remove-exclusions=download-urls --project="$PROJECT"
}

destroy_events() {
  local name
  drop "schedule $SWEEP" httpTarget.uri "^https://${PREFIX}process-" gcloud scheduler jobs describe "$SWEEP" --location="$REGION" --project="$PROJECT"
  drop "schedule $LEARNER" httpTarget.uri "/jobs/$LEARNER:run$" gcloud scheduler jobs describe "$LEARNER" --location="$REGION" --project="$PROJECT"
  for name in "$TRIGGER" "$TRIGGER-deleted"; do
    drop "trigger $name" destination.cloudRun.service "^${PREFIX}process$" gcloud eventarc triggers describe "$name" --location="$BUCKET_LOCATION" --project="$PROJECT"
  done
  drop "events in $DEAD_LETTERS" labels.parrot : gcloud pubsub subscriptions describe "$DEAD_LETTERS" --project="$PROJECT"
  drop "topic $DEAD_LETTERS" labels.parrot : gcloud pubsub topics describe "$DEAD_LETTERS" --project="$PROJECT"
}

# With its roles in the project: they would stay as those of a deleted account.
destroy_account() {
  local role roles
  found displayName '^Parrot: ' gcloud iam service-accounts describe "$(account "$1")" --project="$PROJECT" || return 0
  roles=$(ask gcloud projects get-iam-policy "$PROJECT" --flatten='bindings[].members' \
    --filter="bindings.members=$(member "$1")" --format='value(bindings.role)') || exit 1
  for role in $roles; do
    remove "$role of $1" gcloud projects remove-iam-policy-binding "$PROJECT" --member="$(member "$1")" --role="$role" --all
  done
  remove "account $1" gcloud iam service-accounts delete "$(account "$1")" --project="$PROJECT" --quiet
}

destroy_vertex() {
  local pair endpoint model id
  for pair in $(tr ',' ' ' <<<"$VERTEX_ENDPOINTS"); do
    endpoint=${pair#*=} model=$(tr '[:upper:]_' '[:lower:]-' <<<"${pair%%=*}")
    if found displayName "^${pair%%=*}/" gcloud ai endpoints describe "$endpoint" "${place[@]}"; then
      for id in $(dry || vertex_ids "$endpoint"); do
        remove "model $id of endpoint $endpoint" gcloud ai endpoints undeploy-model "$endpoint" --deployed-model-id="$id" "${place[@]}"
      done
      remove "endpoint $endpoint" gcloud ai endpoints delete "$endpoint" "${place[@]}" --quiet
    fi
    drop "model $model" displayName "^${pair%%=*}$" gcloud ai models describe "$model" "${place[@]}"
  done
}

# Soft delete still holds the objects for SOFT_DELETE, and backups the database until they expire.
destroy_data() {
  local name
  for name in "$BUCKET" "$MODEL_BUCKET"; do
    ! found labels.settings : gcloud storage buckets describe "gs://$name" \
      || remove "bucket gs://$name AND ALL THAT IS IN IT" gcloud storage rm --recursive "gs://$name"
  done
  drop "the key of receipts, $RECEIPT_SECRET" labels.parrot : gcloud secrets describe "$RECEIPT_SECRET" --project="$PROJECT"
  destroy_database "$FIRESTORE_DATABASE" 'AND ALL THAT IS IN IT'
}

destroy_database() {
  local where=(--database="$1" --project="$PROJECT")
  found locationId : gcloud firestore databases describe "${where[@]}" || return 0
  dry || [ -z "$(foreign_database "$1")" ] || return 0
  remove "database $1 ${2:-}" gcloud firestore databases update "${where[@]}" --no-delete-protection
  [ "$listing" = true ] || change gcloud firestore databases delete "${where[@]}" --quiet
}
