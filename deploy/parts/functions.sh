# shellcheck shell=bash
# The functions on Cloud Run, and the triggers that tell process of stored and deleted photos.

part_functions() {
  local name flags=(--to "$stage/functions")
  for name in "${chosen[@]}"; do must_be_ours service "$PREFIX$name" PREFIX; done
  for name in "$TRIGGER" "$TRIGGER-deleted"; do must_listen "$name"; done
  read_bundle
  ensure_repository
  [ "$bundle_pickles" = false ] || flags+=(--pickles)
  staged "${flags[@]}" "${chosen[@]}"
  build_functions
  for name in "${chosen[@]}"; do deploy_function "$name"; done
  case " ${chosen[*]} " in *' process '*) ;; *) return ;; esac
  ensure_trigger "$TRIGGER" finalized
  ensure_dead_letters "$TRIGGER"
  ensure_trigger "$TRIGGER-deleted" deleted
  ensure_dead_letters "$TRIGGER-deleted"
  ensure_sweep
}

deploy_function() {
  local name=$1 account_name secrets=() reach=(--no-invoker-iam-check --ingress=all)
  account_name=$(tr '[:lower:]' '[:upper:]' <<<"$name")_ACCOUNT
  env_file_for "$name"
  # Eventarc and Scheduler of the project count as internal.
  [ "$name" != process ] || reach=(--invoker-iam-check --ingress=internal)
  case $name in
    save) secrets=(--set-secrets="DOWNLOAD_SECRET=$SECRET:latest") ;;
    observations) secrets=(--set-secrets="DOWNLOAD_SECRET=$SECRET:latest,RECEIPT_KEY=$RECEIPT_SECRET:latest") ;;
    reviews) account_name=OBSERVATIONS_ACCOUNT ;; # it reads and writes the same
  esac
  deploy_service "$PREFIX$name" "$(cat "$built/$name.env.yaml")" --image="$(function_image "$name")" "${reach[@]}" \
    --service-account="$(account "${!account_name}")" \
    --concurrency="$(setting "$name" CONCURRENCY)" --cpu="$(setting "$name" CPU)" \
    --memory="$(setting "$name" MEMORY)" --timeout="$(setting "$name" TIMEOUT)" \
    --min="$(setting "$name" MIN)" --max-instances="$(setting "$name" MAX)" \
    --cpu-boost --execution-environment=gen2 \
    --startup-probe="httpGet.path=/ready,httpGet.port=8080,periodSeconds=1,timeoutSeconds=1,failureThreshold=120" \
    --env-vars-file="$built/$name.env.yaml" ${secrets[@]+"${secrets[@]}"}
}

# One build makes the images that are missing, side by side.
build_functions() {
  local name image entry steps=() images=()
  for name in "${chosen[@]}"; do
    image=$(function_image "$name") || exit 1
    if image_there "$image"; then continue; fi
    entry=$name
    [ "$name" != process ] || entry=on_saved
    steps+=("  - name: gcr.io/k8s-skaffold/pack" "    entrypoint: pack" "    dir: $name" "    waitFor: ['-']"
      "    args: [build, $image, --builder, $BUILDER, --network, cloudbuild, --env, GOOGLE_FUNCTION_TARGET=$entry, --env, GOOGLE_PYTHON_VERSION=3.11.x]")
    images+=("$image")
  done
  [ ${#steps[@]} != 0 ] || return 0
  write_file "$built/functions.cloudbuild.yaml" 'steps:' "${steps[@]}" \
    "images: [$(IFS=,; printf '%s' "${images[*]}")]" 'options: {logging: CLOUD_LOGGING_ONLY}'
  build "$stage/functions" "$built/functions.cloudbuild.yaml"
}

function_image() { image_name "$1" "$({ cat "$stage/functions/$1.sha256"; printf '%s\n' "$BUILDER" "$BUILT"; } | digest)"; }

# CLASSIFY_CPU for `classify CPU`.
setting() {
  local name
  name=$(tr '[:lower:]' '[:upper:]' <<<"$1")_$2
  printf '%s' "${!name}"
}

# A function's environment: settings, never secrets.
env_file_for() {
  local name=$1 line lines database=$FIRESTORE_DATABASE same=(
    BUCKET MODEL_BUCKET CHECK_REVOKED REQUIRE_APP_CHECK REQUIRE_AUTH ALLOW_ANONYMOUS_SAVE PUBLIC_URL TRAINING DELETE_USERS
    TRUSTED_PROXIES SAVES_PER_DAY RELABELS_PER_DAY PROCESS_ATTEMPTS CLASSIFICATIONS_PER_MINUTE CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE
    CPU_SECONDS_PER_CALLER_PER_MINUTE DOWNLOAD_MIB_PER_MINUTE CLASSIFY_CACHE CORS_ORIGINS MODEL_TIMEOUT_SECONDS)
  [ "$name" != classify ] || database=$COUNTERS_DATABASE
  lines=(
    "MODEL_BUNDLE: \"$bundle_version\"" "MODEL_BUNDLE_SHA256: \"$bundle_sha256\""
    "OBSERVATIONS: \"firestore:$database\"" 'IDENTITY: "firebase"' "GOOGLE_CLOUD_PROJECT: \"$PROJECT\""
    "THREADS: \"$(setting "$name" CONCURRENCY)\""
    # As in local/stack.py; docs/decisions.md says why.
    'MALLOC_ARENA_MAX: "2"' 'MALLOC_MMAP_THRESHOLD_: "4194304"'
    'MALLOC_TRIM_THRESHOLD_: "16777216"' 'GLIBC_TUNABLES: "glibc.malloc.hugetlb=1"'
  )
  for line in "${same[@]}"; do lines+=("$line: \"${!line}\""); done
  line=$(model_address) || exit 1
  [ -z "$MODEL_BUNDLE_PUBLIC_KEY" ] || lines+=("MODEL_BUNDLE_PUBLIC_KEY: \"$MODEL_BUNDLE_PUBLIC_KEY\"")
  case $name in classify | process)
    [ -z "$SHADOW_BUNDLE" ] || lines+=("SHADOW_BUNDLE: \"$SHADOW_BUNDLE\"" "SHADOW_BUNDLE_SHA256: \"$SHADOW_BUNDLE_SHA256\"") ;;
  esac
  write_file "$built/$name.env.yaml" "${lines[@]}" "$line"
}

# Where functions find the model.
model_address() {
  local pair url endpoints=()
  if [ "$MODELS" = run ]; then
    url=$(value gcloud run services describe "$MODEL_SERVER" --region="$REGION" --project="$PROJECT" \
      --format='value(status.url)') || exit 1
    printf 'MODEL_SERVER_URL: "%s"' "$url"
    return
  fi
  for pair in $(tr ',' ' ' <<<"$VERTEX_ENDPOINTS"); do
    endpoints+=("${pair%%=*}=https://$REGION-aiplatform.googleapis.com/v1/projects/$PROJECT/locations/$REGION/endpoints/${pair#*=}")
  done
  printf 'VERTEX_ENDPOINTS: "%s"' "$(IFS=,; printf '%s' "${endpoints[*]}")"
}

# Ends the script, before functions save where nothing listens, if trigger $1 has another bucket: it cannot change it.
must_listen() {
  local found
  exists gcloud eventarc triggers describe "$1" --location="$BUCKET_LOCATION" --project="$PROJECT" \
    --format='value(eventFilters.filter(attribute=bucket).extract(value).flatten())' || return 0
  found=$(cat "$scratch/answer")
  [ "$found" = "$BUCKET" ] \
    || die "trigger $1 listens to bucket '$found', not $BUCKET: delete it (gcloud eventarc triggers delete $1 --location=$BUCKET_LOCATION), or name another in TRIGGER"
}

# Eventarc, with an account of its own that may call process and nothing else. $1 name, $2 what happened.
ensure_trigger() {
  local name=$1 flags
  grant 'run services' "${PREFIX}process" "$(member "$TRIGGER_ACCOUNT")" roles/run.invoker --region="$REGION" --project="$PROJECT"
  flags=(--location="$BUCKET_LOCATION" --project="$PROJECT" --destination-run-service="${PREFIX}process"
    --destination-run-region="$REGION" --service-account="$(account "$TRIGGER_ACCOUNT")")
  if ! exists gcloud eventarc triggers describe "$name" --location="$BUCKET_LOCATION" --project="$PROJECT" \
    --format='value[separator="|"](destination.cloudRun.service,destination.cloudRun.region,serviceAccount)'; then
    change_patiently gcloud eventarc triggers create "$name" "${flags[@]}" \
      --event-filters="type=google.cloud.storage.object.v1.$2" --event-filters="bucket=$BUCKET"
  elif [ "$(cat "$scratch/answer")" != "${PREFIX}process|$REGION|$(account "$TRIGGER_ACCOUNT")" ]; then
    change gcloud eventarc triggers update "$name" "${flags[@]}"
  fi
}

# Eventarc's subscription retries; what still fails is kept for people to look at. $1 trigger.
ensure_dead_letters() {
  local subscription agent_member topic=projects/$PROJECT/topics/$DEAD_LETTERS found
  exists gcloud pubsub topics describe "$DEAD_LETTERS" --project="$PROJECT" \
    || change gcloud pubsub topics create "$DEAD_LETTERS" --labels=parrot=dead-letters --project="$PROJECT"
  exists gcloud pubsub subscriptions describe "$DEAD_LETTERS" --project="$PROJECT" \
    || change gcloud pubsub subscriptions create "$DEAD_LETTERS" --topic="$DEAD_LETTERS" --labels=parrot=dead-letters --project="$PROJECT" \
      --message-retention-duration="$DEAD_LETTER_RETENTION" --expiration-period=never
  agent_member=$(agent gcp-sa-pubsub) || exit 1
  subscription=$(value gcloud eventarc triggers describe "$1" --location="$BUCKET_LOCATION" \
    --project="$PROJECT" --format='value(transport.pubsub.subscription)') || exit 1
  grant 'pubsub topics' "$DEAD_LETTERS" "$agent_member" roles/pubsub.publisher --project="$PROJECT"
  grant 'pubsub subscriptions' "$subscription" "$agent_member" roles/pubsub.subscriber --project="$PROJECT"
  found=$(ask gcloud pubsub subscriptions describe "$subscription" --project="$PROJECT" \
    --format='value[separator="|"](deadLetterPolicy.deadLetterTopic,deadLetterPolicy.maxDeliveryAttempts,retryPolicy.maximumBackoff,ackDeadlineSeconds)')
  [ "$found" = "$topic|$EVENT_ATTEMPTS|600s|600" ] \
    || change gcloud pubsub subscriptions update "$subscription" --project="$PROJECT" \
      --dead-letter-topic="$topic" --max-delivery-attempts="$EVENT_ATTEMPTS" --ack-deadline=600 \
      --min-retry-delay=10s --max-retry-delay=600s --message-retention-duration="$EVENT_RETENTION"
}

# A schedule that lets process finish photos whose event was lost.
ensure_sweep() {
  local number url
  number=$(project_number) || exit 1
  url=https://${PREFIX}process-$number.$REGION.run.app
  ensure_schedule "$SWEEP" "$SWEEP_SCHEDULE" "$url" application/cloudevents+json --attempt-deadline=600s \
    --message-body='{"specversion": "1.0", "type": "parrot.sweep", "source": "scheduler", "id": "sweep"}' \
    --oidc-service-account-email="$(account "$TRIGGER_ACCOUNT")" --oidc-token-audience="$url"
}

# $1 name, $2 when, $3 URL to post to, $4 type of what is posted, then who asks and more flags.
ensure_schedule() {
  local name=$1 place=(--location="$REGION" --project="$PROJECT") flags wanted kind=$4
  wanted="$2|$3|$(account "$TRIGGER_ACCOUNT")"
  flags=(--schedule="$2" --uri="$3" --http-method=post "${@:5}")
  if ! exists gcloud scheduler jobs describe "$name" "${place[@]}" \
    --format='value[separator="|"](schedule,httpTarget.uri,httpTarget.oidcToken.serviceAccountEmail,httpTarget.oauthToken.serviceAccountEmail)'; then
    change_patiently gcloud scheduler jobs create http "$name" "${place[@]}" "${flags[@]}" --headers="Content-Type=$kind"
    return
  fi
  case $(cat "$scratch/answer") in
    "$wanted|" | "${wanted%|*}||${wanted##*|}") ;; # by one kind of token or the other
    *) change gcloud scheduler jobs update http "$name" "${place[@]}" "${flags[@]}" --update-headers="Content-Type=$kind" ;;
  esac
}
