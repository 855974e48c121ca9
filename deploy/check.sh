# shellcheck shell=bash
# Whether the canary, or the revision that serves, is ready for all traffic. Changes nothing.

check() {
  local service problems=0 tried=no services=("${functions[@]/#/$PREFIX}")
  read_bundle
  [ "$MODELS" = vertex ] || services=("$MODEL_SERVER" "${services[@]}")
  for service in "${services[@]}"; do check_service "$service"; done
  [ "$LEARNING" = false ] || check_learning
  if [ "$problems" != 0 ]; then
    if [ "$tried" = no ]; then say "Problems: $problems. They are in what serves: there is no canary."
    else say "Not ready: $problems problems. $self rollback withdraws the canary."; fi
    exit 1
  elif dry; then return
  elif [ "$tried" = no ]; then say 'All that serves works. There is no canary.'
  else say "Ready. $self promote gives the canary all traffic."; fi
}

check_service() {
  local name=$1 url
  if dry; then canary=canary; else read_service "$name"; fi
  [ -z "$canary" ] || tried=yes
  url=$(tagged_url "$name" "${canary:+canary}") || exit 1
  check_answers "$name" "$url"
  if dry; then return; fi
  [ "$created" = "$ready" ] || problem "$name: revision $created never became ready"
  check_errors "$name" "${canary:-$main}"
}

# How the job's last run ended. One that found too little to learn from, or nothing better, is no problem.
check_learning() {
  local last
  last=$(value gcloud run jobs executions list --job="$LEARNER" --region="$REGION" --project="$PROJECT" --limit=1 \
    --format='value[separator="|"](metadata.name,status.succeededCount,status.completionTime)') || exit 1
  case $last in
    '') dry || say "??  $LEARNER: it has not run yet" ;;
    *'||') say "??  $LEARNER: ${last%%|*} is running" ;;
    *'||'*) say "??  $LEARNER: ${last%%|*} published no candidate: its log says why" ;;
    *) dry || say "ok  $LEARNER: ${last%%|*} published a candidate" ;;
  esac
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

# What a revision of service $1 does under its own URL, $2. Counts problems.
check_answers() {
  local name=$1 url=$2 model
  if [ "$name" = "$MODEL_SERVER" ]; then
    for model in $bundle_models; do
      get_private "$name" "$url/v1/models/${model%/*}/versions/${model#*/}" 200
    done
  elif [ "$name" = "${PREFIX}process" ]; then
    dry || say "ok  $name: reached from inside only, so only its startup probe was asked"
  else
    get "$name" "$url/ready/all" 204
  fi
  if [ "$name" = "${PREFIX}classify" ]; then check_drawing "$url/parrot-classifier/classify"; fi
  if [ "$name" = "${PREFIX}save" ]; then check_save "$url/parrot-classifier"; fi
}

# Asks as a phone does, and again for a while: neighbours may have to start. Sets status.
request() {
  if dry; then
    shown curl --fail --silent --show-error --max-time 90 "$@"
    return
  fi
  status=$(curl --silent --output "$scratch/body" --write-out '%{http_code}' --max-time 90 \
    --retry 4 --retry-delay "$RETRY_SECONDS" "$@" || true)
}

# $1 who, $2 URL, $3 the right status, then more of curl's words.
get() {
  local who=$1 url=$2 right=$3 status
  shift 3
  request "$@" "$url"
  if dry; then return; fi
  if [ "$status" = "$right" ]; then
    say "ok  $who: $url answers $status"
  else
    problem "$who: $url answers $status, not $right: $(head -c 300 "$scratch/body" 2>/dev/null)"
  fi
}

# The same for a service that wants an ID token, which not every login can give.
get_private() {
  local token="\$(gcloud auth print-identity-token)"
  if ! dry && ! token=$(gcloud auth print-identity-token 2>"$scratch/error"); then
    say "??  $1: private, and this login gives no ID token: only its startup probe was asked"
    return
  fi
  get "$@" -H "Authorization: Bearer $token"
}

# A parrot that this project drew; the deployed model must recognise it.
check_drawing() {
  local status
  photo "$1"
  if dry; then return; fi
  if [ "$status" = 200 ] && grep -qE '"is_parrot": *true' "$scratch/body"; then
    say 'ok  classify: the drawing is a parrot'
  elif [ "$status" = 401 ]; then
    say '??  classify: wants a login: with CHECK_TOKEN, a user'"'"'s ID token, a drawing is classified'
  else
    problem "classify: the drawing of a parrot gives $status: $(head -c 300 "$scratch/body" 2>/dev/null)"
  fi
}

# The drawing, saved as a user's observation and removed again.
check_save() {
  local status id
  if [ -z "${CHECK_TOKEN:-}" ]; then
    dry || say "??  save: with CHECK_TOKEN, a user's ID token, a photo is saved and removed"
    return
  fi
  photo "$1/save?species=other-parrot"
  if dry; then return; fi
  id=$(sed -nE 's/.*"id": *"([0-9a-f-]{36})".*/\1/p' "$scratch/body" | head -n 1)
  case $status in
    200) say 'ok  save: knows the drawing' ;; # it is the user's own, and stays
    201)
      say 'ok  save: the drawing is saved'
      get observations "$(tagged_url "${PREFIX}observations" '')/observations/$id" 204 -X DELETE -H "Authorization: Bearer $CHECK_TOKEN" ;;
    *) problem "save: the drawing gives $status: $(head -c 300 "$scratch/body" 2>/dev/null)" ;;
  esac
}

photo() {
  local authorization=()
  [ -z "${CHECK_TOKEN:-}" ] || authorization=(-H "Authorization: Bearer $CHECK_TOKEN")
  request ${authorization[@]+"${authorization[@]}"} -H 'Content-Type: image/jpeg' \
    --data-binary "@$root/deploy/parrot.jpg" "$1"
}

# The share of 5xx among the revision's recent answers.
check_errors() {
  local name=$1 revision=$2 total bad
  value gcloud logging read "resource.type=\"cloud_run_revision\" AND resource.labels.revision_name=\"$revision\" AND httpRequest.status>0" \
    --project="$PROJECT" --freshness="${CHECK_MINUTES}m" --limit=5000 --format='value(httpRequest.status)' >"$scratch/statuses"
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
