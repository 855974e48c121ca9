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
    || change gcloud secrets create "$1" --replication-policy=automatic --labels=parrot=key --project="$PROJECT"
  newest=$(ask gcloud secrets versions list "$1" --filter=state=ENABLED --limit=1 \
    --format='value(name)' --project="$PROJECT")
  [ -n "$newest" ] || add_key "$1"
}

# A new version of secret $1: a new key and, if $2 says how $old is read, the two before it.
add_key() {
  change_shell "${2:+$2 && }key=\$(openssl rand -hex 32) && printf %s \"\$key${2:+,\$old}\" | cut -d, -f1-3 | $(
    shown gcloud secrets versions add "$1" --data-file=- --project="$PROJECT")"
}

# The new key signs; those before it are still accepted, so that URLs in use work until they expire: two of
# them, because a rotation that was cut left functions that sign with the older one.
# Functions read the newest version when they start, also after a rollback: the same revision again.
rotate_secret() {
  local name old=''
  for name in "${PREFIX}observations" "${PREFIX}save"; do
    dry && continue
    read_service "$name"
    [ -z "$canary" ] || die "$name has a canary: promote or rollback first"
  done
  [ "$now" = true ] || old="old=\$($(shown gcloud secrets versions access latest --secret="$SECRET" --project="$PROJECT"))"
  add_key "$SECRET" "$old"
  for name in "${PREFIX}observations" "${PREFIX}save"; do restart "$name"; done
  dry || say 'The new key signs. With --now the previous one is refused at once.'
}

# New instances of what serves, which is not what was deployed last if that was rolled back.
restart() {
  local service=$built/$1.json revision=$built/$1-serving.json file=$built/$1-restarted.json
  local place=(--region="$REGION" --project="$PROJECT")
  mkdir -p "$built"
  if dry; then
    pick old "$1" 'percent>50'
    printf '{}\n' >"$file"
    main="\${old}"
  else
    read_service "$1"
  fi
  save_answer "$service" gcloud run services describe "$1" "${place[@]}" --format=json
  save_answer "$revision" gcloud run revisions describe "$main" "${place[@]}" --format=json
  save_answer "$file" "$python" "$root/deploy/restart.py" "$service" "$revision" "$(date -u +%Y%m%d-%H%M%S)"
  change gcloud run services replace "$file" "${place[@]}"
  dry || read_service "$1"
  give_traffic "$1" 100
}
