# shellcheck shell=bash
# Settings: command line, then deploy.env, then the defaults of deploy.env.example.

# Assigns NAME=VALUE; only names that deploy.env.example knows.
assign() {
  local name=${1%%=*}
  [[ $1 == *=* ]] || usage_error "--set wants NAME=VALUE, not '$1'"
  case " $known " in
    *" $name "*) ;;
    *) usage_error "there is no setting $name; deploy.env.example lists them all" ;;
  esac
  printf -v "$name" '%s' "${1#*=}"
}

read_settings() {
  local pair line
  python=$(find_python)
  known=$("$python" -c 'import re,sys; print(*re.findall(r"\$\{([A-Z0-9_]+):=", open(sys.argv[1]).read()))' "$root/deploy.env.example")
  # The shell's environment is ignored.
  # shellcheck disable=SC2086 # one word a name
  unset $known
  for pair in ${overrides[@]+"${overrides[@]}"}; do assign "$pair"; done
  if [ -n "$env_file" ] && [ ! -f "$env_file" ]; then usage_error "there is no file $env_file"; fi
  env_file=${env_file:-$root/deploy.env}
  if [ -f "$env_file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line%$'\r'}
      case $line in
        '' | '#'*) ;;
        [A-Z]*=*)
          pair=${line%%=*}
          line=${line#*=}
          line=${line%%[[:space:]]#*}
          line=${line%"${line##*[![:space:]]}"}
          line=${line#[\"\']}
          [ -n "${!pair+set}" ] || assign "$pair=${line%[\"\']}" ;;
        *) usage_error "$env_file: '$line' is not NAME=value" ;;
      esac
    done <"$env_file"
  fi
  # shellcheck source=deploy.env.example
  . "$root/deploy.env.example"
  BUCKET_LOCATION=$(tr '[:upper:]' '[:lower:]' <<<"$BUCKET_LOCATION") # US or us
}

# Bad settings are reported before anything is read or changed.
check_settings() {
  local part name
  [ -n "$PROJECT" ] || usage_error 'which project? --project P, or PROJECT=P in deploy.env'
  [ -n "$REGION" ] || usage_error 'which region? --region R, or REGION=R in deploy.env'
  [[ $PROJECT =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || usage_error "'$PROJECT' is not a project's ID"
  [[ $REGION =~ ^[a-z]+-[a-z]+[0-9]+$ ]] || usage_error "'$REGION' is not a region"
  [[ $TRAFFIC =~ ^([1-9]|[1-9][0-9]|100)$ ]] || usage_error "--traffic $TRAFFIC is not a per cent from 1 to 100"
  case $MODELS in run | vertex) ;; *) usage_error "--models $MODELS is neither run nor vertex" ;; esac
  for part in CLASSIFY SAVE OBSERVATIONS REVIEWS PROCESS MODEL; do
    for name in "${part}_CPU" "${part}_CONCURRENCY" "${part}_TIMEOUT" "${part}_MIN" "${part}_MAX"; do
      [[ ${!name} =~ ^[0-9]+$ ]] || usage_error "$name '${!name}' is not a whole number"
    done
  done
  [[ $BUDGET =~ ^[0-9]*$ ]] || usage_error "BUDGET '$BUDGET' is not a whole number"
  [[ $BACKUP_DAYS =~ ^[0-9]+$ ]] || usage_error "BACKUP_DAYS '$BACKUP_DAYS' is not a whole number"
  [[ $PREFIX =~ ^([a-z][a-z0-9-]{0,30})?$ ]] || usage_error "PREFIX '$PREFIX' cannot begin a service's name"
  [[ -z $ALERT_EMAIL || $ALERT_EMAIL =~ ^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$ ]] || usage_error "ALERT_EMAIL '$ALERT_EMAIL' is not an e-mail address"
  [[ $APP_CHECK_SITE_KEY =~ ^[A-Za-z0-9_-]*$ ]] || usage_error "APP_CHECK_SITE_KEY '$APP_CHECK_SITE_KEY' is not a site key"
  [[ -z $SHADOW_BUNDLE || $SHADOW_BUNDLE_SHA256 =~ ^[0-9a-f]{64}$ ]] || usage_error "SHADOW_BUNDLE needs the sha256 of its manifest in SHADOW_BUNDLE_SHA256"
  [ "$now" = false ] || [ "$task" = rotate-secret ] || usage_error '--now goes with rotate-secret'
  [ "$with_data" = false ] || [ "$task" = destroy ] || usage_error '--with-data goes with destroy'
  case $LEARNING in true | false) ;; *) usage_error "LEARNING '$LEARNING' is neither true nor false" ;; esac
  [ "$task,$LEARNING,$TRAINING" != deploy,true,off ] || usage_error 'with TRAINING=off nothing may be learnt: set LEARNING=false'
  choose_functions
  for part in ${parts[@]+"${parts[@]}"}; do
    case $task,$part in
      promote,models | promote,functions | rollback,models | rollback,functions) continue ;;
      deploy,*) for name in "${all_parts[@]}"; do [ "$part" != "$name" ] || continue 2; done ;;
    esac
    usage_error "$task knows no part '$part'"
  done
  if [ ${#parts[@]} = 0 ] && [ "$task" = deploy ]; then parts=("${all_parts[@]}"); fi
  stage=$root/build/stage
  built=$root/build/deploy
}

# Sets chosen to the functions that were named; together they are the part `functions`.
choose_functions() {
  local part rest=()
  chosen=()
  for part in ${parts[@]+"${parts[@]}"}; do
    case " ${functions[*]} " in
      *" $part "*) chosen+=("$part") ;;
      *) rest+=("$part") ;;
    esac
  done
  [ ${#chosen[@]} = 0 ] || rest+=(functions)
  parts=(${rest[@]+"${rest[@]}"})
  [ ${#chosen[@]} != 0 ] || chosen=("${functions[@]}")
}

# The first Python that may run this project's small scripts; they need nothing installed. By its own
# path: what a version manager puts on PATH takes ten times as long to start.
find_python() {
  local candidate own='import sys; sys.version_info >= (3, 11) and print(sys.executable)' path
  for candidate in "$root/.venv/bin/python" python3.11 python3.12 python3.13 python3; do
    path=$("$candidate" -c "$own" 2>/dev/null) || continue
    if [ -n "$path" ]; then
      printf '%s' "$path"
      return
    fi
  done
  usage_error 'Python 3.11 or newer is needed'
}
