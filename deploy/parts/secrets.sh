# shellcheck shell=bash
# DOWNLOAD_SECRET: made once, rotated by a command, read by the functions that sign download URLs.

part_secrets() {
  local name newest
  exists gcloud secrets describe "$SECRET" --project="$PROJECT" \
    || change gcloud secrets create "$SECRET" --replication-policy=automatic --project="$PROJECT"
  newest=$(ask gcloud secrets versions list "$SECRET" --filter=state=ENABLED --limit=1 \
    --format='value(name)' --project="$PROJECT")
  [ -n "$newest" ] || change_shell "openssl rand -hex 32 | $(add_version)"
  for name in "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT"; do
    grant secrets "$SECRET" "$(member "$name")" roles/secretmanager.secretAccessor --project="$PROJECT"
  done
}

add_version() { shown gcloud secrets versions add "$SECRET" --data-file=- --project="$PROJECT"; }

# The new key signs; the previous one is still accepted, so that URLs in use work until they expire.
# Functions read the newest version when they start, also after a rollback: the same revision again.
rotate_secret() {
  local name new='openssl rand -hex 32' old
  if ! dry; then
    for name in observations save; do
      read_service "$name"
      [ -z "$canary" ] || die "$name has a canary: promote or rollback first"
      [ "$created" = "$main" ] || die "$name serves $main, not $created that was deployed last: deploy functions first"
    done
  fi
  old="$(shown gcloud secrets versions access latest --secret="$SECRET" --project="$PROJECT") | cut -d, -f1"
  if [ "$now" = true ]; then
    change_shell "$new | $(add_version)"
  else
    change_shell "printf '%s,%s' \"\$($new)\" \"\$($old)\" | $(add_version)"
  fi
  for name in observations save; do restart "$name"; done
  dry || say 'The new key signs. With --now the previous one is refused at once.'
}

# New instances of the same code and settings.
restart() {
  change gcloud run services update "$1" --region="$REGION" --project="$PROJECT" --no-traffic --tag=canary \
    --update-labels="restarted=$(date -u +%Y%m%d-%H%M%S)"
  if dry; then
    traffic "$1" --to-latest --remove-tags=canary
    return
  fi
  read_service "$1"
  move "$1" "$ready" "$main"
}
