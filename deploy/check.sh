# shellcheck shell=bash
# Whether the canary, or the revision that serves, is ready for all traffic. Changes nothing.

check() {
  local service problems=0
  if dry; then
    check_dry
    return
  fi
  for service in classify save observations process; do check_service "$service"; done
  if [ "$problems" != 0 ]; then
    say "Not ready: $problems problems. ./deploy.sh rollback withdraws the canary."
    exit 1
  fi
  say 'Ready. ./deploy.sh promote gives the canary all traffic.'
}

check_service() {
  local name=$1 revision url
  read_service "$name"
  revision=${canary:-$main}
  url=$(tagged_url "$name" "${canary:+canary}") || exit 1
  [ "$created" = "$ready" ] || problem "$name: revision $created never became ready"
  case $name in
    classify)
      get "$name" "$url/parrot-classifier/classify" 200
      check_drawing "$url/parrot-classifier/classify" ;;
    # Without a login they refuse; that is an answer, and shows that their settings are read.
    save | observations) get "$name" "$url/parrot-classifier/observations" 401 405 404 ;;
    process) say "$name: private, so only its log is checked" ;;
  esac
  check_errors "$name" "$revision"
}

problem() {
  say "BAD $*"
  problems=$((problems + 1))
}

# The URL of a tag, or of the service where $2 is empty.
tagged_url() {
  local field=status.url
  [ -z "$2" ] || field="status.traffic.filter(tag=$2).extract(url).flatten()"
  value gcloud run services describe "$1" --region="$REGION" --project="$PROJECT" --format="value($field)"
}

# $1 who, $2 URL, then the statuses that are right.
get() {
  local who=$1 url=$2 status
  shift 2
  status=$(curl --silent --output "$scratch/body" --write-out '%{http_code}' --max-time 60 "$url" || true)
  case " $* " in
    *" $status "*) say "ok  $who: GET answers $status" ;;
    *) problem "$who: GET $url answers $status: $(head -c 300 "$scratch/body" 2>/dev/null)" ;;
  esac
}

# A parrot that this project drew; the deployed model must recognise it.
check_drawing() {
  local url=$1 status authorization=()
  [ -z "${CHECK_TOKEN:-}" ] || authorization=(-H "Authorization: Bearer $CHECK_TOKEN")
  status=$(curl --silent --output "$scratch/body" --write-out '%{http_code}' --max-time 90 \
    ${authorization[@]+"${authorization[@]}"} -H 'Content-Type: image/jpeg' \
    --data-binary "@$root/deploy/parrot.jpg" "$url" || true)
  if [ "$status" = 200 ] && grep -qE '"is_parrot": *true' "$scratch/body"; then
    say 'ok  classify: the drawing is a parrot'
  elif [ "$status" = 401 ]; then
    problem 'classify: wants a login: set CHECK_TOKEN to an ID token of a user'
  else
    problem "classify: the drawing of a parrot gives $status: $(head -c 300 "$scratch/body" 2>/dev/null)"
  fi
}

# The share of 5xx among the revision's recent answers.
check_errors() {
  local name=$1 revision=$2 total bad
  gcloud logging read "resource.type=\"cloud_run_revision\" AND resource.labels.revision_name=\"$revision\" AND httpRequest.status>0" \
    --project="$PROJECT" --freshness="${CHECK_MINUTES}m" --limit=5000 --format='value(httpRequest.status)' \
    >"$scratch/statuses" 2>"$scratch/error" || failed 1 "$(cat "$scratch/error")" gcloud logging read
  total=$(grep -c . "$scratch/statuses" || true)
  bad=$(grep -c '^5' "$scratch/statuses" || true)
  if [ "$((bad * 100))" -gt "$((total * ERROR_PERCENT))" ]; then
    problem "$name: $bad of $total answers in $CHECK_MINUTES minutes are 5xx"
  elif [ "$total" -lt "$CHECK_REQUESTS" ]; then
    say "??  $name: only $total requests in $CHECK_MINUTES minutes, none of them 5xx: check again later"
  else
    say "ok  $name: $bad of $total answers in $CHECK_MINUTES minutes are 5xx"
  fi
}

check_dry() {
  local name url
  for name in classify save observations process; do
    if [ "$name" = classify ]; then
      url=$(tagged_url "$name" canary)/parrot-classifier/classify
      shown curl --fail --silent --show-error "$url"
      shown curl --fail --silent --show-error -H 'Content-Type: image/jpeg' --data-binary "@$root/deploy/parrot.jpg" "$url"
    fi
    shown gcloud logging read "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"$name\" AND httpRequest.status>=500" \
      --project="$PROJECT" --freshness="${CHECK_MINUTES}m" --limit=5000 --format='value(httpRequest.status)'
  done
}
