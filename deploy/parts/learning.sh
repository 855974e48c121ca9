# shellcheck shell=bash
# A job that learns from saved photos every week. What it publishes is a candidate: nothing uses it
# before somebody deploys it.

part_learning() {
  local image folder=$stage/learning
  [ "$LEARNING" = true ] || { stop_learning; return; }
  must_be_ours job "$LEARNER" LEARNER
  read_bundle
  ensure_repository
  ensure_hub
  staged learning
  image=$(image_name learning "$({ cat "$stage/learning.sha256"; printf '%s\n' "$bundle_sha256" "$PYTHON_IMAGE" "$BUILT"; } | digest)") || exit 1
  if ! image_there "$image"; then
    change cp -R "$bundle_folder" "$folder/bundle" # the one in use, wherever it comes from
    build "$folder" "$root/deploy/templates/cloudbuild.yaml" \
      --substitutions="_IMAGE=$image,_BASE=PYTHON=$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY-hub/$PYTHON_IMAGE"
  fi
  learning_job "$image"
  # Cloud Run's own API starts it, so its token is for Google and not for us.
  ensure_schedule "$LEARNER" "$LEARNING_SCHEDULE" "$(learning_url)" application/json \
    --attempt-deadline=60s --oauth-service-account-email="$(account "$TRIGGER_ACCOUNT")"
}

learning_url() { printf 'https://run.googleapis.com/v2/projects/%s/locations/%s/jobs/%s:run' "$PROJECT" "$REGION" "$LEARNER"; }

# $1 image. A label tells the next run what it was made of.
learning_job() {
  local place=(--region="$REGION" --project="$PROJECT") store=firestore:$PROJECT wanted flags
  [ "$FIRESTORE_DATABASE" = '(default)' ] || store+=/$FIRESTORE_DATABASE
  # No second try: what stopped it would stop it again, and next week there is more to learn from.
  flags=(--image="$1" --service-account="$(account "$LEARNING_ACCOUNT")" --cpu="$LEARNING_CPU"
    --memory="$LEARNING_MEMORY" --task-timeout="$LEARNING_TIMEOUT" --tasks=1 --max-retries=0
    --set-env-vars="GOOGLE_CLOUD_PROJECT=$PROJECT,TRAINING=$TRAINING"
    --args="$store,$BUCKET,--bundle,bundle,--to,gs://$MODEL_BUCKET")
  wanted=$(printf '%s\n' "${flags[@]}" | digest)
  if ! exists gcloud run jobs describe "$LEARNER" "${place[@]}" --format='value(metadata.labels.fingerprint)' \
    || [ "$(cat "$scratch/answer")" != "$wanted" ]; then
    change_patiently gcloud run jobs deploy "$LEARNER" "${place[@]}" "${flags[@]}" --labels="fingerprint=$wanted" --quiet
  fi
  grant 'run jobs' "$LEARNER" "$(member "$TRIGGER_ACCOUNT")" roles/run.invoker "${place[@]}"
}

# The job too: somebody could start it, and it has the settings of then. The schedule says that there is one.
stop_learning() {
  local place=(--location="$REGION" --project="$PROJECT")
  exists gcloud scheduler jobs describe "$LEARNER" "${place[@]}" --format='value(httpTarget.uri)' \
    && [ "$(cat "$scratch/answer")" = "$(learning_url)" ] || return 0
  ! exists gcloud run jobs describe "$LEARNER" --region="$REGION" --project="$PROJECT" \
    || change gcloud run jobs delete "$LEARNER" --region="$REGION" --project="$PROJECT" --quiet
  change gcloud scheduler jobs delete "$LEARNER" "${place[@]}" --quiet
}
