# shellcheck shell=bash
# Revisions of Cloud Run services: deployed without traffic, given some, given all, or taken back.
# Each move is one write of one service's whole traffic table, so an interruption leaves either the
# table before or the table after. Tags name the parts: `canary` is tried, `previous` served before.

# The whole state of a service in one line: what was deployed, and which revisions get traffic.
service_format='value[separator="|"](metadata.labels.fingerprint,status.latestCreatedRevisionName,status.latestReadyRevisionName,status.traffic.filter(tag=canary).extract(revisionName).flatten(),status.traffic.filter(tag=canary).extract(percent).flatten(),status.traffic.filter(tag=previous).extract(revisionName).flatten(),status.traffic.filter(percent>0).extract(revisionName).flatten(separator=" "),status.traffic.filter(percent>0).extract(percent).flatten(separator=" "))'

describe_service() {
  "$1" gcloud run services describe "$2" --region="$REGION" --project="$PROJECT" --format="$service_format"
}

# Sets created, ready, canary, percent, previous, fingerprint, and main: who serves beside the canary.
parse_service() {
  local serving shares revision share most=0
  IFS='|' read -r fingerprint created ready canary percent previous serving shares <"$scratch/service"
  main=''
  for revision in $serving; do
    share=${shares%% *} shares=${shares#* }
    if [ "$revision" != "$canary" ] && [ "$share" -gt "$most" ]; then
      main=$revision most=$share
    fi
  done
}

read_service() {
  describe_service value "$1" >"$scratch/service"
  echo >>"$scratch/service"
  parse_service
}

# Brings a service to what its flags say: $1 service, $2 what else its revision is made of (a
# digest), then flags of gcloud run deploy. A label tells the next run what is there.
deploy_service() {
  local service=$1 wanted share=$TRAFFIC
  # Functions ask the model server under one URL, whatever their own share: it must find every model
  # behind it, and its image has those of all bundles.
  [ "$service" != "$MODEL_SERVER" ] || share=100
  wanted=$(printf '%s\n' "${@//$root\//}" | digest) # wherever this checkout is
  shift 2
  set -- gcloud run deploy "$service" --region="$REGION" --project="$PROJECT" "$@" --labels="fingerprint=$wanted" --quiet
  if dry && [ "$TRAFFIC" = 100 ] || ! service_there "$service"; then
    [ "$share" = 100 ] || say "$service has no traffic yet: its first revision gets all of it."
    change_patiently "$@"
    return
  fi
  if dry || [ "$fingerprint" != "$wanted" ] || [ "$created" != "$ready" ]; then
    if [ "$share" = 100 ] && [ "${percent:-0}" != 0 ]; then
      die "$service has a canary ($canary at $percent %): promote or rollback first, or replace it with --traffic N"
    fi
    change_patiently "$@" --no-traffic --tag=canary
    dry || read_service "$service"
  elif [ "$main" = "$ready" ] || [ "$canary,$percent" = "$ready,$share" ]; then
    return
  elif [ -z "$canary" ] && [ "$TRAFFIC" = 100 ]; then # a new revision keeps its tag until it serves
    say "$service: $ready was rolled back and stays out, $main serves. Another commit or setting makes a new one; --traffic N tries the same again."
    return
  fi
  give_traffic "$service" "$share"
}

# Whether a revision of it ever became ready: without one there is no traffic to keep from another.
# Under --dry-run --traffic N services count as existing, or a canary could not be shown.
service_there() {
  fingerprint='' created='' ready='' canary='' percent='' previous='' main=''
  dry && return
  describe_service exists "$1" || return 1
  cp "$scratch/answer" "$scratch/service"
  parse_service
  [ -n "$ready" ]
}

# $2 per cent for the newest revision of service $1, once it has shown under its own URL that it works.
give_traffic() {
  local service=$1 share=$2
  if dry; then
    must_answer "$service"
    if [ "$share" = 100 ]; then set -- --to-latest --remove-tags=canary; else set -- --to-tags="canary=$share"; fi
    traffic "$service" "$@"
    return
  fi
  if [ "$canary" != "$ready" ]; then
    traffic "$service" --update-tags="canary=$ready"
    canary=$ready
  fi
  must_answer "$service"
  if [ "$share" = 100 ]; then
    move "$service" "$ready" "$main"
  else # all shares by name: a canary that was replaced keeps none
    traffic "$service" --to-revisions="$main=$((100 - share)),$ready=$share"
  fi
}

# Ends the script unless the canary of service $1 answers as it should.
must_answer() {
  local problems=0 url
  url=$(tagged_url "$1" canary) || exit 1
  check_answers "$1" "$url"
  [ "$problems" = 0 ] || die "$1: the new revision does not work, so no traffic moves. Fix it and deploy again, or $self rollback"
}

traffic() {
  local service=$1
  shift
  change gcloud run services update-traffic "$service" --region="$REGION" --project="$PROJECT" "$@"
}

# All traffic of service $1 to revision $2; $3 served until now.
move() {
  local tags=()
  [ -z "$3" ] || [ "$3" = "$2" ] || tags=(--update-tags="previous=$3")
  if dry || [ -n "$canary" ]; then tags+=(--remove-tags=canary); fi
  traffic "$1" --to-revisions="$2=100" ${tags[@]+"${tags[@]}"}
}

# For --dry-run: a line that sets variable $1 to the revision of service $2 that $3 picks.
pick() {
  remember "$1" gcloud run services describe "$2" --region="$REGION" --project="$PROJECT" \
    --format="value(status.traffic.filter($3).extract(revisionName).flatten())"
}

# Whether a part was named on the command line, or none was.
wants() {
  local part
  [ ${#parts[@]} != 0 ] || return 0
  for part in "${parts[@]}"; do [ "$part" != "$1" ] || return 0; done
  return 1
}

# The model server first: it serves the models of both bundles.
promote() {
  local service
  read_bundle
  if wants models; then
    if [ "$MODELS" = vertex ]; then vertex_promote; else promote_service "$MODEL_SERVER"; fi
  fi
  ! wants functions || for service in "${chosen[@]}"; do promote_service "$PREFIX$service"; done
}

# The functions first: they may need a model that only the newer model server has.
rollback() {
  local service
  ! wants functions || for service in "${chosen[@]}"; do rollback_service "$PREFIX$service"; done
  ! wants models || if [ "$MODELS" = vertex ]; then vertex_rollback; else rollback_service "$MODEL_SERVER"; fi
}

promote_service() {
  if dry; then
    pick new "$1" tag=canary
    pick old "$1" 'percent>50'
    must_answer "$1"
    move "$1" "\${new}" "\${old}"
    return
  fi
  read_service "$1"
  if [ -z "$canary" ]; then
    say "$1: no canary; $main serves."
    return
  fi
  must_answer "$1"
  move "$1" "$canary" "$main"
  say "$1: $canary serves."
}

rollback_service() {
  local to
  if dry; then
    pick old "$1" tag=previous
    move "$1" "\${old}" ''
    return
  fi
  read_service "$1"
  to=$previous
  if [ -n "$canary" ]; then to=$main; fi
  if [ -z "$to" ]; then
    say "$1: there is no previous revision."
    return
  fi
  if [ "$to,$canary" != "$main," ]; then move "$1" "$to" ''; fi
  say "$1: $to serves."
}
