#!/usr/bin/env bash
# One command for everything that a person does on their own machine. See ./dev.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="$root/.venv"
python="$venv/bin/python"

usage() {
  cat <<'TEXT'
./dev.sh demo [--json] [--save] [PHOTO...]  classify photos: runs the whole stack, prints, stops
./dev.sh up [--port 8080] [--data DIR]      the stack with its web page, until Ctrl-C
    --reviewer NAME                         who may review what others save; repeatable
    --anonymous-save                        save without a login, as the first version's phones do
    --bundle DIR                            (demo too) with models of your own
    --shadow DIR                            a candidate's heads beside them: the logs say what agrees
    --model-server URL|docker               (demo too) on another TF Serving, or its public image
./dev.sh loop PHOTOS                        simulated people save photos, and a model learns from them
./dev.sh emulators [--exec CMD]             the same in the Firebase Emulator Suite
./dev.sh test [pytest arguments]            format, lint, types, import rules, the quick tests
./dev.sh test all [pytest arguments]        all tests, as CI runs them
./dev.sh test unit [pytest arguments]       only the tests of tests/unit; so for the other folders
./dev.sh bench [--full] [--json]            the benchmark
./dev.sh models ...                         python -m models: build, fit, publish, serve, ...
./dev.sh openapi                            renew the API's description
./dev.sh sdk [FOLDER]                       bundle what pages load: Firebase's SDK, the API's reference
./dev.sh stage [FUNCTION|firebase|learning] folders as they are deployed, in build/stage
./dev.sh lock                               renew the pinned versions
The first command installs what it needs into .venv. Each has --help.
TEXT
}

say() { printf '%s\n' "$*" >&2; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
    if [ -n "$candidate" ] && "$candidate" -c \
      'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  say "Python 3.11, 3.12 or 3.13 is needed; set PYTHON to one."
  exit 1
}

# Whether a command of `models` is a pipeline: a backfill, or an export that names a runner.
pipeline() {
  case " $* " in " backfill "* | " export-saved "*" --runner"[\ =]*) ;; *) false ;; esac
}

# Apache Beam and TensorFlow need different versions of protobuf, so Beam has a venv of its own.
beam() {
  venv="$root/.venv/backfill" python="$root/.venv/backfill/bin/python"
  local pins="$root/models/backfill/requirements.txt" wanted
  wanted=$(cksum <"$pins")
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
    say "Setting up $venv (once; it has Apache Beam) ..."
    [ -x "$python" ] || "$(find_python)" -m venv "$venv"
    "$python" -m pip install --quiet --disable-pip-version-check uv
    "$venv/bin/uv" pip sync --quiet --python "$python" "$pins" \
      || { say "Installing failed; the lines above say why."; exit 1; }
    printf '%s' "$wanted" >"$venv/installed"
  fi
  export PYTHONPATH="$root:$root/shared"
  exec "$python" -m models "$@"
}

# Installs the pinned packages unless these very pins are installed already.
setup() {
  local wanted
  wanted=$(cksum <"$root/requirements.lock")
  [ "$(cat "$venv/installed" 2>/dev/null)" = "$wanted" ] && return
  say "Setting up $venv (once; a few hundred megabytes) ..."
  [ -x "$python" ] || "$(find_python)" -m venv "$venv"
  "$python" -m pip install --quiet --disable-pip-version-check uv
  local quiet=--color=auto clock="" # people see uv's own progress, logs get a line now and then
  if [ ! -t 2 ]; then
    quiet=--quiet
    (while sleep 5; do say "still installing"; done) & clock=$!
  fi
  # Compiled here: some environments keep Python from writing bytecode when it imports.
  "$venv/bin/uv" pip sync "$quiet" --compile-bytecode --python "$python" "$root/requirements.lock" \
    || { kill ${clock:-} 2>/dev/null; say "Installing failed; the lines above say why."; exit 1; }
  [ -z "$clock" ] || kill "$clock"
  printf '%s' "$wanted" >"$venv/installed"
}

run() {
  setup
  export PYTHONPATH="$root:$root/shared"
  exec "$python" "$@"
}

# Types and import rules are checked beside the tests; what they say comes after the tests' summary.
check() {
  cd "$root"
  unset PYTHONDONTWRITEBYTECODE # or each of the many processes that tests start compiles this project
  local pytest=(-m pytest --dist loadfile --no-loadscope-reorder -n)
  local tests=(2 -m smoke tests/unit tests/stack) output checks status=0
  case ${1:-} in
    all) tests=(3); shift ;;
    "" | -*) ;;
    *)
      [ ! -d "tests/$1" ] || run "${pytest[@]}" 2 "tests/$1" "${@:2}"
      run -m pytest "$@"
      ;;
  esac
  setup
  export PYTHONPATH="$root:$root/shared"
  say "format";  "$venv/bin/ruff" format --check --quiet .
  say "lint";    "$venv/bin/ruff" check --quiet .
  say "types, imports and tests"
  output=$(mktemp)
  { "$venv/bin/lint-imports" && "$venv/bin/mypy" --no-error-summary; } >"$output" 2>&1 & checks=$!
  "$python" -m models build >/dev/null # before several tests want to
  "$python" "${pytest[@]}" "${tests[@]}" "$@" || status=$?
  wait "$checks" || { cat "$output" >&2; status=1; }
  rm "$output"
  exit "$status"
}

# Packages that only the benchmark needs.
setup_bench() {
  setup
  local wanted
  wanted=$(cat "$root/requirements.lock" "$root/benchmarks/requirements.lock" | cksum)
  [ "$(cat "$venv/installed-bench" 2>/dev/null)" = "$wanted" ] && return
  say "Installing what the benchmark compares with ..."
  "$venv/bin/uv" pip install --quiet --python "$python" -r "$root/benchmarks/requirements.lock" \
    || { say "Installing failed; the lines above say why."; exit 1; }
  printf '%s' "$wanted" >"$venv/installed-bench"
}

lock() {
  setup
  cd "$root"
  local function compile=("$venv/bin/uv" pip compile --quiet --universal --python-version 3.11
    --no-emit-index-url --no-emit-find-links --custom-compile-command "./dev.sh lock" --upgrade)
  "${compile[@]}" pyproject.toml shared/pyproject.toml --group pyproject.toml:dev \
    -o requirements.lock
  "${compile[@]}" shared/pyproject.toml --group pyproject.toml:backfill \
    -o models/backfill/requirements.txt
  "${compile[@]}" --group pyproject.toml:clients -o tests/support/clients/requirements.txt
  "${compile[@]}" --group pyproject.toml:bench -c requirements.lock \
    -o benchmarks/requirements.lock
  # What is deployed is pinned by digest too. Only bundles of pickles need scikit-learn.
  compile+=(--generate-hashes shared/pyproject.toml -c requirements.lock)
  for function in classify save observations reviews process; do
    "${compile[@]}" -o "functions/$function/requirements.txt"
  done
  for function in classify process; do
    "${compile[@]}" --extra joblib -o "functions/$function/requirements-joblib.txt"
  done
  # The learning job's image: what training needs beside what a function has.
  sed -nE 's/^([a-z0-9.-]+)==.*/--no-emit-package=\1/p' functions/process/requirements.txt \
    | xargs "${compile[@]}" --no-annotate pyproject.toml -o models/training/image/requirements.txt
}

# What pages load that others wrote, in one place and without third-party requests: Firebase's SDK for
# the page that people sign in to, and the API's reference for /api. From FOLDER/firebase_sdk and
# FOLDER/api_reference into FOLDER/public/vendor, or from local/ into our own public/vendor.
# `stage`, deploy.sh and `emulators` call it, and `up` when somebody first opens /api.
sdk() {
  local from="$root/local" to="$root/public/vendor" name
  if [ $# -gt 0 ]; then from="$1" to="$1/public/vendor"; fi
  [ -d "$from/firebase_sdk" ] || { say "./dev.sh sdk: there is no folder $from/firebase_sdk"; exit 2; }
  command -v npm >/dev/null \
    || { say "npm is missing, which bundles what the pages load: install Node 20 or newer"; exit 2; }
  mkdir -p "$to"
  for name in firebase_sdk api_reference; do
    if [ -d "$from/$name" ]; then bundle "$from/$name" "$to" "$root/.local/${name/_/-}"; fi
  done
}

# Packages are installed once for each lock file, elsewhere, and never changed: others may use them.
bundle() (
  to=$(cd "$2" && pwd)
  packages="$3-$(cksum <"$1/package-lock.json" | cut -d ' ' -f 1)"
  mkdir -p "$packages"
  work=$(mktemp -d "$3.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp "$1"/.npmrc "$1"/* "$work"
  cd "$work"
  if [ ! -d "$packages/node_modules" ]; then
    npm ci --no-progress --loglevel=error >&2
    mv node_modules "$packages" 2>/dev/null || rm -rf node_modules # somebody else was faster
  fi
  ln -s "$packages/node_modules" node_modules
  npm run --silent build -- --log-level=warning --outdir="$to" >&2
)

# Each function's folder; what goes to Hosting gets its bundles.
stage() {
  local interpreter folders folder status=0
  interpreter=$(find_python)
  folders=$("$interpreter" "$root/deploy/stage.py" "$@") || status=$?
  [ -z "$folders" ] || printf '%s\n' "$folders"
  while IFS= read -r folder; do
    case $folder in */firebase) (sdk "$folder" </dev/null) ;; esac
  done <<<"$folders"
  exit "$status"
}

# Whether a command's arguments ask for its help. Help runs nothing, and installs only what every
# command in Python needs.
wants_help() {
  local argument
  for argument; do
    case $argument in -h | --help) return ;; --) break ;; esac
  done
  false
}

# For commands without a parser of their own: prints help, or refuses arguments.
no_arguments() {
  if wants_help "$@"; then
    usage | grep -- "^./dev.sh $command"
    exit
  fi
  [ $# = 0 ] || { say "./dev.sh $command takes no arguments"; exit 2; }
}

command=${1:-}
[ $# -gt 0 ] && shift
case "$command" in
  demo | up | loop | emulators | openapi) run -m local "$command" "$@" ;;
  models)
    if pipeline "$@" && ! wants_help "$@"; then beam "$@"; fi
    run -m models "$@"
    ;;
  bench) wants_help "$@" || setup_bench; run -m benchmarks "$@" ;;
  test) if wants_help "$@"; then no_arguments "$@"; else check "$@"; fi ;;
  sdk) if wants_help "$@"; then no_arguments "$@"; else sdk "$@"; fi ;;
  lock) no_arguments "$@"; lock ;;
  stage) stage "$@" ;;
  -h | --help | help | "") usage ;;
  *) say "Unknown command: $command"; usage >&2; exit 2 ;;
esac
