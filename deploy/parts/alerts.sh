# shellcheck shell=bash
# An uptime check, and alert policies from deploy/templates/alerts. docs/operations.md says what to do.

part_alerts() {
  local file
  ensure_channel
  ensure_uptime
  ensure_dashboard
  ensure_budget
  for file in "$root"/deploy/templates/alerts/*.json; do
    ensure_alert "$(basename "$file" .json)" "$file" "$channel"
  done
}

# Sets channel to the e-mail channel's name as a JSON string, or to nothing without ALERT_EMAIL.
ensure_channel() {
  local name list=(gcloud beta monitoring channels list --project="$PROJECT"
    --filter="type=email AND labels.email_address=$ALERT_EMAIL" --format='value(name)' --limit=1)
  channel=''
  [ -n "$ALERT_EMAIL" ] || return 0
  name=$(ask "${list[@]}")
  if [ -z "$name" ]; then
    change gcloud beta monitoring channels create --type=email --display-name="Parrot: $ALERT_EMAIL" \
      --channel-labels="email_address=$ALERT_EMAIL" --project="$PROJECT"
    name=$(value "${list[@]}")
  fi
  channel="\"$name\""
}

ensure_uptime() {
  local host=${PUBLIC_URL#https://} found
  found=$(ask gcloud monitoring uptime list-configs --project="$PROJECT" \
    --filter='displayName="parrot classify"' --format='value[separator="|"](name,monitoredResource.labels.host)')
  [ "${found#*|}" != "${host%%/*}" ] || return 0
  # What it asks cannot be changed.
  [ -z "$found" ] || change gcloud monitoring uptime delete "${found%|*}" --project="$PROJECT" --quiet
  change gcloud monitoring uptime create 'parrot classify' --project="$PROJECT" --resource-type=uptime-url \
    --resource-labels="host=${host%%/*},project_id=$PROJECT" --protocol=https \
    --path=/parrot-classifier/classify --period=5 --timeout=30
}

# Requests, errors, latency, instances, events that wait: one page for all of it.
ensure_dashboard() {
  local template=$root/deploy/templates/dashboard.json file=$built/dashboard.json wanted found
  wanted=$({ printf '%s\n' "$PREFIX" "$MODEL_SERVER" "$DEAD_LETTERS"; cat "$template"; } | digest)
  render "$template" "$file" DIGEST="$wanted" PREFIX="$PREFIX" MODEL_SERVER="$MODEL_SERVER" DEAD_LETTERS="$DEAD_LETTERS"
  found=$(ask gcloud monitoring dashboards list --project="$PROJECT" --filter='labels:parrot' --limit=1 \
    --format='value[separator="|"](name,labels.list())')
  case $found in *"$wanted"*) return ;; esac
  [ -z "$found" ] || change gcloud monitoring dashboards delete "${found%%|*}" --project="$PROJECT" --quiet
  change gcloud monitoring dashboards create --config-from-file="$file" --project="$PROJECT"
}

# Nothing stops at a budget: Google only mails those who pay when half, nine tenths and all of it is spent.
ensure_budget() {
  local account found
  [ -n "$BUDGET" ] || return 0
  find_budget
  if [ -z "$found" ]; then
    change gcloud billing budgets create --billing-account="$account" --display-name="Parrot $PROJECT" --budget-amount="$BUDGET" \
      --filter-projects="projects/$PROJECT" --threshold-rule=percent=0.5 --threshold-rule=percent=0.9 --threshold-rule=percent=1.0
  elif [ "${found#*|}" != "$BUDGET" ]; then
    change gcloud billing budgets update "${found%%|*}" --budget-amount="$BUDGET"
  fi
}

# Sets account, and found to the budget's name and amount.
find_budget() {
  account=$(value gcloud billing projects describe "$PROJECT" --format='value(billingAccountName.basename())') || exit 1
  found=$(ask gcloud billing budgets list --billing-account="$account" --filter="displayName=\"Parrot $PROJECT\"" --limit=1 \
    --format='value[separator="|"](name,amount.specifiedAmount.units)') || exit 1
}

# $1 name, $2 template, $3 channels as JSON strings. A label tells an unchanged policy.
ensure_alert() {
  local name=$1 file=$built/alerts/$1.json wanted found policy
  wanted=$({ printf '%s\n' "$3" "$ERROR_PERCENT" "$CLASSIFY_MAX" "$PROCESS_MAX" "$MODEL_MAX" "$PREFIX" "$SWEEP"; cat "$2"; } | digest)
  render "$2" "$file" DIGEST="$wanted" NAME="$name" CHANNELS="$3" PERCENT="$ERROR_PERCENT" \
    CLASSIFY_MAX="$CLASSIFY_MAX" MODEL_MAX="$MODEL_MAX" MODEL_SERVER="$MODEL_SERVER" PREFIX="$PREFIX" SWEEP="$SWEEP" \
    DEAD_LETTERS="$DEAD_LETTERS" PROJECT="$PROJECT" PUBLIC_URL="$PUBLIC_URL"
  found=$(ask gcloud alpha monitoring policies list --project="$PROJECT" --limit=1 \
    --filter="userLabels.parrot=$name" --format='value[separator="|"](name,userLabels.digest)')
  policy=${found%%|*}
  if [ -z "$policy" ]; then
    change_patiently gcloud alpha monitoring policies create --policy-from-file="$file" --project="$PROJECT"
  elif [ "${found#*|}" != "$wanted" ]; then
    change gcloud alpha monitoring policies update "$policy" --policy-from-file="$file" --project="$PROJECT"
  fi
}
