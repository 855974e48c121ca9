# shellcheck shell=bash
# DOWNLOAD_SECRET: made once, rotated by a command, read by the functions that sign download URLs.
# RECEIPT_KEY: made once, and never changed, so that people can check their receipts.

part_secrets() {
  local name
  ensure_secret "$SECRET"
  ensure_secret "$RECEIPT_SECRET"
  grant secrets "$RECEIPT_SECRET" "$(member "$OBSERVATIONS_ACCOUNT")" roles/secretmanager.secretAccessor --project="$PROJECT"
  for name in "$SAVE_ACCOUNT" "$OBSERVATIONS_ACCOUNT"; do
    grant secrets "$SECRET" "$(member "$name")" roles/secretmanager.secretAccessor --project="$PROJECT"
  done
}

ensure_secret() {
  local newest
  exists gcloud secrets describe "$1" --project="$PROJECT" \
    || change gcloud secrets create "$1" --replication-policy=automatic --project="$PROJECT"
  newest=$(ask gcloud secrets versions list "$1" --filter=state=ENABLED --limit=1 \
    --format='value(name)' --project="$PROJECT")
  [ -n "$newest" ] || change_shell "openssl rand -hex 32 | $(add_version "$1")"
}

add_version() { shown gcloud secrets versions add "$1" --data-file=- --project="$PROJECT"; }

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
    change_shell "$new | $(add_version "$SECRET")"
  else
    change_shell "printf '%s,%s' \"\$($new)\" \"\$($old)\" | $(add_version "$SECRET")"
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
