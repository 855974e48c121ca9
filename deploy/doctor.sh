# shellcheck shell=bash
# What is missing before a deployment can work, and what to do about it. Changes nothing.

doctor() {
  local problems=0
  if dry; then die 'doctor changes nothing; there is nothing for --dry-run to print'; fi
  doctor_tools
  if [ "$problems" = 0 ] && doctor_login; then
    doctor_project
    doctor_collisions
    doctor_policies
    doctor_places
    doctor_quota
  else
    say '??  the rest is checked once this is right: login, project, names, places, quota'
  fi
  [ "$problems" = 0 ] || { say "problems: $problems"; exit 1; }
  say "Ready: $self --dry-run shows what would be done."
}

good() { say "ok  $*"; }

# $1 what is wrong, $2 what to do.
bad() {
  say "BAD $1"
  say "    -> $2"
  problems=$((problems + 1))
}

# Asks without output; the answer is in $scratch/answer, the reason of a failure in $scratch/error.
quietly() { "$@" >"$scratch/answer" 2>"$scratch/error" </dev/null; }

doctor_tools() {
  local tool version
  for tool in git curl openssl npm gcloud firebase; do
    if command -v "$tool" >/dev/null; then continue; fi
    case $tool in
      gcloud) bad 'gcloud is not installed' 'https://cloud.google.com/sdk/docs/install' ;;
      npm) bad 'npm is not installed' 'install Node 20 or newer: the page needs it' ;;
      firebase) bad 'firebase-tools is not installed' 'npm install --global firebase-tools@15' ;;
      *) bad "$tool is not installed" "install your system's package $tool" ;;
    esac
  done
  ! command -v gcloud >/dev/null || at_least gcloud 528 "$(gcloud version --format='value("Google Cloud SDK")' 2>/dev/null)" 'gcloud components update'
  ! command -v firebase >/dev/null || at_least firebase 15 "$(firebase --version 2>/dev/null)" 'npm install --global firebase-tools@15'
  for version in alpha beta; do
    quietly gcloud "$version" --help || bad "gcloud has no $version commands" "gcloud components install $version"
  done
  git -C "$root" diff --quiet HEAD 2>/dev/null || say '??  uncommitted changes will not be deployed'
}

# $1 tool, $2 the least major version, $3 its version, $4 what to do.
at_least() {
  if [ "$(tr -dc '0-9.' <<<"${3%%.*}")" -ge "$2" ] 2>/dev/null; then
    good "$1 $3"
  else
    bad "$1 is version '$3'; $2 or newer is required" "$4"
  fi
}

doctor_login() {
  if ! quietly gcloud auth print-access-token; then
    bad 'gcloud has no valid login' 'gcloud auth login --update-adc'
    return 1
  fi
  good "logged in as $(gcloud config get-value account 2>/dev/null)"
  quietly gcloud auth application-default print-access-token \
    || bad 'the tools that publish bundles have no login' 'gcloud auth application-default login'
  quietly firebase projects:list --json --non-interactive || bad 'firebase-tools has no login' 'firebase login'
}

doctor_project() {
  local api name
  if ! quietly gcloud projects describe "$PROJECT" --format='value(lifecycleState)'; then
    bad "project $PROJECT does not exist, or you have no access to it" "gcloud projects create $PROJECT, or ask its owner for roles/owner"
    return
  fi
  [ "$(cat "$scratch/answer")" = ACTIVE ] || bad "project $PROJECT is being deleted" "gcloud projects undelete $PROJECT"
  if quietly gcloud billing projects describe "$PROJECT" --format='value(billingEnabled)' \
    && [ "$(cat "$scratch/answer")" = True ]; then
    good 'billing is on'
  else
    bad 'billing is off' "gcloud billing accounts list; gcloud billing projects link $PROJECT --billing-account=ACCOUNT"
  fi
  if quietly gcloud services list --enabled --project="$PROJECT" --format='value(config.name)'; then
    for api in run cloudbuild eventarc firestore secretmanager; do
      grep -qxF "$api.googleapis.com" "$scratch/answer" || say "??  $api.googleapis.com is off: $self apis turns on every API that is needed"
    done
  fi
  if quietly gcloud projects get-iam-policy "$PROJECT" --flatten='bindings[].members' \
    --filter="bindings.members:$(gcloud config get-value account 2>/dev/null)" --format='value(bindings.role)'; then
    name=$(grep -cxE 'roles/(owner|editor)' "$scratch/answer" || true)
    [ "$name" != 0 ] || say '??  you are not an owner of the project: docs/getting-started.md lists the roles that are enough'
  fi
}

# What has our names and is not ours would stop a deployment.
doctor_collisions() {
  local name
  collision bucket "$BUCKET" BUCKET
  collision bucket "$MODEL_BUCKET" MODEL_BUCKET
  collision database "$FIRESTORE_DATABASE" FIRESTORE_DATABASE
  collision database "$COUNTERS_DATABASE" COUNTERS_DATABASE
  collision site "$HOSTING_SITE" HOSTING_SITE
  collision service "$MODEL_SERVER" MODEL_SERVER
  collision job "$LEARNER" LEARNER
  for name in "${functions[@]}"; do collision service "$PREFIX$name" PREFIX; done
}

# A question that fails is about an API that is still off: nothing of it is in use.
collision() {
  local what
  what=$("foreign_$1" "$2" 2>/dev/null) || return 0
  [ -z "$what" ] || bad "$what, which deploy.sh did not make" "$3=another-name in deploy.env, or --adopt to take it over"
}

# What an organisation may forbid.
doctor_policies() {
  local policy=(gcloud org-policies describe --effective --project="$PROJECT")
  if quietly "${policy[@]}" run.managed.requireInvokerIam --format='value(spec.rules.enforce)' && grep -q True "$scratch/answer"; then
    bad 'your organisation lets nobody call Cloud Run without a Google login (run.managed.requireInvokerIam)' 'ask its administrator to exempt this project: phones call the functions'
  fi
  if quietly "${policy[@]}" gcp.resourceLocations --format='value(spec.rules.values.allowedValues)' && [ -n "$(cat "$scratch/answer")" ]; then
    grep -qF "$REGION" "$scratch/answer" || say "??  your organisation allows resources in $(cat "$scratch/answer") (gcp.resourceLocations): is $REGION among them?"
  fi
}

# Bucket, trigger, database, functions: which may be in different places, and which may not.
doctor_places() {
  local found
  if quietly gcloud storage buckets describe "gs://$BUCKET" --format='value(location)'; then
    found=$(tr '[:upper:]' '[:lower:]' <"$scratch/answer")
    if [ "$found" = "$BUCKET_LOCATION" ]; then
      good "gs://$BUCKET is in $found, and so will be the trigger"
    else
      bad "gs://$BUCKET is in $found, not $BUCKET_LOCATION; the trigger must be in the bucket's location" "BUCKET_LOCATION=$found in deploy.env"
    fi
  elif grep -qiE 'permission|403' "$scratch/error"; then
    bad "the name gs://$BUCKET belongs to someone else" 'BUCKET=another-name in deploy.env'
  fi
  if quietly gcloud firestore databases describe --database="$FIRESTORE_DATABASE" --project="$PROJECT" --format='value(locationId,type)'; then
    found=$(cat "$scratch/answer")
    if [ "$found" = "$FIRESTORE_LOCATION	FIRESTORE_NATIVE" ]; then
      good "the database is in $FIRESTORE_LOCATION"
    else
      bad "the database is '$found'" 'set FIRESTORE_LOCATION, or FIRESTORE_DATABASE to a new name (Datastore mode cannot be used)'
    fi
  fi
  known_place 'Cloud Run' "$REGION" REGION gcloud run regions list --project="$PROJECT" --format='value(locationId)'
  known_place 'Cloud Scheduler' "$REGION" REGION gcloud scheduler locations list --project="$PROJECT" --format='value(locationId)'
  known_place Eventarc "$BUCKET_LOCATION" BUCKET_LOCATION gcloud eventarc locations list --project="$PROJECT" --format='value(name.basename())'
  known_place Firestore "$FIRESTORE_LOCATION" FIRESTORE_LOCATION gcloud firestore locations list --project="$PROJECT" --format='value(locationId)'
}

# $1 product, $2 place, $3 setting, then the question for its places. An API that is off returns nothing.
known_place() {
  local product=$1 place=$2 setting=$3
  shift 3
  quietly "$@" || return 0
  [ -s "$scratch/answer" ] || return 0
  grep -qixF "$place" "$scratch/answer" || bad "$product is not in $place" "$setting=... in deploy.env; $(shown "$@") lists its locations"
}

# The project's CPUs in the region: a service that could use more is not deployed; all together
# may ask for more, but are throttled on a busy day.
doctor_quota() {
  local name need all=0 limit names=(CLASSIFY SAVE OBSERVATIONS REVIEWS PROCESS)
  [ "$MODELS" = vertex ] || names+=(MODEL)
  quietly gcloud beta quotas info describe CpuAllocPerProjectRegion --service=run.googleapis.com --project="$PROJECT" \
    --format="value(dimensionsInfos.filter(applicableLocations:$REGION).extract(details.value).flatten())" || return 0
  limit=$(tr -dc '0-9' <"$scratch/answer")
  [ -n "$limit" ] || return 0
  limit=$((limit / 1000)) # given in thousandths of a CPU
  for name in "${names[@]}"; do
    need=$(($(setting "$name" CPU) * $(setting "$name" MAX)))
    all=$((all + need))
    [ "$need" -le "$limit" ] \
      || bad "${name}_CPU x ${name}_MAX is $need CPUs, but the project has $limit in $REGION" "lower ${name}_MAX in deploy.env, or ask for more quota"
  done
  [ "$LEARNING" = false ] || all=$((all + LEARNING_CPU))
  if [ "$all" -le "$limit" ]; then
    good "all instances together use $all of $limit CPUs"
  else
    say "??  all instances together could use $all of $limit CPUs: ask for more quota before a busy day"
  fi
}
