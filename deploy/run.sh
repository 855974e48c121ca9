# shellcheck shell=bash
# How commands run: changes are announced, and a failure ends the script; questions distinguish "not
# there" from "could not ask". Under --dry-run changes are printed, and everything counts as not there.

say() { printf '%s\n' "$*" >&2; }

die() {
  say "deploy.sh: $*"
  exit 1
}

dry() { [ "$dry_run" = true ]; }

# A command as it can be pasted into a shell. Words with a $(...) or ${...} of our own are put in
# double quotes.
shown() {
  local word line=''
  for word in "$@"; do
    case $word in
      *"\$("* | *"\${"*) line+=" \"${word//\"/\\\"}\"" ;;
      *[!A-Za-z0-9_./:=,@%+-]* | '') line+=" $(quoted "$word")" ;;
      *) line+=" $word" ;;
    esac
  done
  printf '%s\n' "${line# }"
}

# NAME='value' reads better than NAME=\'value\', and printf %q knows no quotes.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# Why a command failed, and what to do about it. $1: its error's text.
advice() {
  case $1 in
    *[Rr]eauthentication* | *'auth tokens'* | *'auth login'* | *invalid_grant* | *UNAUTHENTICATED* | *'default credentials'* | *'firebase login'*)
      say 'Your login has expired or is missing: gcloud auth login --update-adc, firebase login' ;;
    *[Bb]illing*)
      say "Link a billing account: https://console.cloud.google.com/billing/linkedaccount?project=$PROJECT" ;;
    *SERVICE_DISABLED* | *'has not been used in project'*)
      say "An API is off. Run: $self apis, then this again." ;;
    *[Qq]uota* | *RESOURCE_EXHAUSTED*)
      say "A quota is used up: https://console.cloud.google.com/iam-admin/quotas?project=$PROJECT. Ask for more, or lower *_MAX in deploy.env." ;;
    *'unrecognized arguments'* | *'Invalid choice'*)
      say "Your Google Cloud SDK may be too old: $self doctor says which version is needed." ;;
    *PERMISSION_DENIED* | *'does not have permission'* | *403* | *'permission denied'*)
      say "You lack a permission, or the name belongs to another project. $self doctor says which roles are needed." ;;
    *'resolve host'* | *'Network is unreachable'* | *'Connection'* | *timed\ out*)
      say 'The network connection was lost. Nothing is half done: run the same command again.' ;;
  esac
}

# Says which command failed and how, and ends the script.
failed() {
  local status=$1 error=$2
  shift 2
  say ''
  say "deploy.sh: this command failed with exit code $status:"
  say "  $(shown "$@")"
  say 'Its output:'
  say "  ${error//$'\n'/$'\n'  }"
  advice "$error"
  if [ "$began" = false ]; then say 'Nothing was changed: run the same command again.'
  else say 'What is done stays done. Run the same command again to continue.'; fi
  exit 1
}

# Runs a command that changes something, or prints it.
change() { perform "$(shown "$@")" "$@"; }

# The same for a pipeline: $1 is the text of it. Values in it must be quoted already.
change_shell() { perform "$1" bash -o pipefail -c "$1"; }

# $1 how it is shown, then the command.
perform() {
  local status=0
  if dry; then
    printf '%s\n' "$1"
    return
  fi
  say "+ $1"
  shift
  began=true
  changes=$((changes + 1))
  "$@" 2>"$scratch/error" >&2 || status=$?
  [ "$status" = 0 ] || failed "$status" "$(cat "$scratch/error")" "$@"
}

# Runs a command that itself changes only what differs, so it is not counted as a change.
converge() {
  change "$@"
  changes=$((changes - 1))
}

# Like change, for commands that fail until a new account or its role is known to all of Google's IAM,
# for which it waits five minutes.
change_patiently() {
  local try status
  if dry; then
    shown "$@"
    return
  fi
  began=true
  for ((try = 1; try <= 30; try++)); do
    status=0
    say "+ $(shown "$@")"
    "$@" 2>"$scratch/error" >&2 || status=$?
    if [ "$status" = 0 ]; then
      changes=$((changes + 1))
      return
    fi
    grep -qiE 'does not exist|service agent|permission.*(propagat|eventarc)|unable to publish|storage.objects.get|cannot find metric' "$scratch/error" || break
    [ "$try" = 30 ] || sleep "$RETRY_SECONDS"
  done
  failed "$status" "$(cat "$scratch/error")" "$@"
}

# The answer to a question. Under --dry-run the question itself, for the shell into which it is pasted.
value() {
  if dry; then
    printf '%s' "\$($(shown "$@"))"
    return
  fi
  local status=0 answer
  answer=$("$@" 2>"$scratch/error") || status=$?
  [ "$status" = 0 ] || failed "$status" "$(cat "$scratch/error")" "$@"
  printf '%s' "$answer"
}

# Prints NAME=$(question), under --dry-run, for later lines that say ${NAME}.
remember() {
  local name=$1
  shift
  printf '%s=%s\n' "$name" "$(value "$@")"
}

# Writes the answer to a question into file $1, for a later command.
save_answer() {
  local file=$1
  shift
  if dry; then
    printf '%s > %s\n' "$(shown "$@")" "$(shown "$file")"
  else
    value "$@" >"$file"
  fi
}

# The answer to a question now; nothing under --dry-run.
ask() { dry || value "$@"; }

# Whether something is there. An error that is not "not found" ends the script: without a login
# everything would seem to be missing.
exists() {
  dry && return 1
  "$@" >"$scratch/answer" 2>"$scratch/error" && return 0
  local status=$?
  if grep -qiE 'permission|credential|auth login|reauth|project property|has not been used|disabled' "$scratch/error"; then
    failed "$status" "$(cat "$scratch/error")" "$@"
  fi
  grep -qiE 'not.?found|cannot find|does not exist|matched no|404' "$scratch/error" && return 1
  failed "$status" "$(cat "$scratch/error")" "$@"
}

# Writes a local file that a later command reads: $1 its path, then its lines. Also under --dry-run,
# because gcloud reads such files before anything else; nothing leaves this machine.
write_file() {
  local path=$1 line words=''
  shift
  mkdir -p "$(dirname "$path")"
  printf '%s\n' "$@" >"$path"
  dry || return 0
  for line in "$@"; do words+=" $(shown "$line")"; done
  printf "printf '%%s\\\\n'%s > %s\n" "$words" "$(shown "$path")"
}

# Writes folders as they are deployed, from the commit: the words of ./dev.sh stage.
staged() {
  ! dry || shown "$root/dev.sh" stage "$@"
  "$python" "$root/deploy/stage.py" "$@" >"$scratch/staged" || die 'staging failed; the lines above say why'
}

# Fills a template: $1 template, $2 file to write, then NAME=VALUE for each @NAME@ in it.
render() {
  local template=$1 out=$2 pair escaped fill=(sed)
  shift 2
  for pair in "$@"; do
    escaped=$(printf '%s' "${pair#*=}" | sed 's/[&|\\]/\\&/g')
    fill+=(-e "s|@${pair%%=*}@|$escaped|g")
  done
  fill+=("$template")
  mkdir -p "$(dirname "$out")"
  "${fill[@]}" >"$out"
  ! dry || printf '%s > %s\n' "$(shown "${fill[@]}")" "$(shown "$out")"
}

# A short digest of standard input, for labels: the same content is not deployed twice.
digest() { "$python" -IS -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:32])'; }
