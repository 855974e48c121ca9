#!/usr/bin/env bash
# From a Google Cloud project, new or in use, to the running service. See ./deploy.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
all_parts=(apis storage accounts secrets firestore rules models functions hosting learning logs alerts)
functions=(classify save observations reviews process)

usage() {
  cat <<'TEXT'
./deploy.sh [--project P] [--region R] [options] [PART...]   bring the named parts or functions, or all, to the wanted state
./deploy.sh [options] doctor                 tools, login, billing, APIs, quota, regions: what is missing and how to fix it
./deploy.sh [options] check                  does it work, and the logs' error rate; of the canary if there is one
./deploy.sh [options] promote [PART...]      give the canary all traffic (models, functions, or one by its name)
./deploy.sh [options] rollback [PART...]     give the canary none; without a canary, return to the previous revision
./deploy.sh [options] destroy [--with-data]  remove what deploy.sh made, after asking; photos and database only --with-data
./deploy.sh [options] rotate-secret [--now]  a new key for download URLs; --now: old URLs stop working at once

parts, in order: apis storage accounts secrets firestore rules models functions hosting learning logs alerts
functions: classify save observations reviews process
  --project P, --region R    where to deploy; may be set in deploy.env
  --traffic N                percent of traffic for new revisions of services that already run (100)
  --models run|vertex        TF Serving on Cloud Run, or on Vertex AI
  --set NAME=VALUE           any setting of deploy.env.example
  --env-file FILE            read FILE instead of deploy.env
  --adopt                    take over what has our names but was not made by deploy.sh
  --dry-run                  print every command, one per line, as for an empty project; run none
Whatever is already right is left alone, so a second run completes an interrupted one.
TEXT
}

# Reads the command line into: overrides, env_file, dry_run, now, command, parts.
read_arguments() {
  local word
  overrides=() env_file='' dry_run=false now=false adopt=false with_data=false task=deploy parts=()
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case $word in
      --*=*) set -- "${word%%=*}" "${word#*=}" "$@" ;;
      --project | --region | --traffic | --models | --set | --env-file)
        if [ -z "${1:-}" ]; then usage_error "$word needs a value"; fi
        option "$word" "$1"
        shift ;;
      --dry-run) dry_run=true ;;
      --now) now=true ;;
      --adopt) adopt=true ;;
      --with-data) with_data=true ;;
      -h | --help | help) usage && exit 0 ;;
      doctor | check | promote | rollback | destroy | rotate-secret) task=$word ;;
      -*) usage_error "there is no option $word" ;;
      *) parts+=("$word") ;;
    esac
  done
}

option() {
  case $1 in
    --env-file) env_file=$2 ;;
    --set) overrides+=("$2") ;;
    *) overrides+=("$(tr '[:lower:]' '[:upper:]' <<<"${1#--}")=$2") ;;
  esac
}

usage_error() {
  printf 'deploy.sh: %s\n' "$1" >&2
  printf 'See ./deploy.sh --help\n' >&2
  exit 2
}

main() {
  local part
  read_arguments "$@"
  for part in "$root"/deploy/*.sh "$root"/deploy/parts/*.sh; do
    # shellcheck source=/dev/null
    . "$part"
  done
  # What to type for the same deployment.
  self=$(shown ./deploy.sh ${env_file:+"--env-file=$env_file"} ${overrides[@]+"${overrides[@]/#/--set=}"})
  read_settings
  check_settings
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  changes=0
  began=false # whether anything was tried that may have changed something
  case $task in
    deploy)
      must_be_alone
      ! dry || shown mkdir -p "$built/metrics" "$built/alerts"
      for part in "${parts[@]}"; do "part_$part"; done
      dry || say "Done: $changes changes." ;;
    *) "${task/-/_}" ;;
  esac
}

main "$@"
