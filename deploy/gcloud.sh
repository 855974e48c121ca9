# shellcheck shell=bash
# Roles, and the names of accounts.

# Grants a role unless it is already granted: KIND is gcloud's group ("projects", "storage buckets", ...).
grant() {
  local kind=$1 name=$2 member=$3 role=$4 group condition=()
  shift 4
  read -ra group <<<"$kind"
  # Where one role has a condition, gcloud wants to be told that another has none.
  case $kind in projects | 'storage buckets') condition=(--condition="${only:-None}") ;; esac
  if has_role "$kind" "$name" "$member" "$role" "$@"; then return; fi
  change_patiently gcloud "${group[@]}" add-iam-policy-binding "$name" --member="$member" \
    --role="$role" ${condition[@]+"${condition[@]}"} "$@"
}

# The same for one database of the project: $1 member, $2 database.
grant_database() {
  local only="expression=resource.name==\"projects/$PROJECT/databases/$2\",title=database $2"
  grant projects "$PROJECT" "$1" roles/datastore.user
}

# Whether a member has a role; one question for each resource and run.
has_role() {
  local kind=$1 name=$2 member=$3 role=$4 only=${only:-} group policy
  shift 4
  dry && return 1
  read -ra group <<<"$kind"
  policy=$scratch/policy-${kind// /-}-${name//\//-}
  if [ ! -f "$policy" ]; then
    value gcloud "${group[@]}" get-iam-policy "$name" "$@" --flatten='bindings[].members' \
      --format='value(bindings.role,bindings.members,bindings.condition.title)' >"$scratch/policy"
    mv "$scratch/policy" "$policy"
    echo >>"$policy"
  fi
  grep -qxF "$role	$member	${only##*title=}" "$policy"
}

account() { printf '%s@%s.iam.gserviceaccount.com' "$1" "$PROJECT"; }

member() { printf 'serviceAccount:%s' "$(account "$1")"; }

# Google's own account for a product in this project: gs-project-accounts, gcp-sa-pubsub, ...
agent() {
  local number
  number=$(project_number) || exit 1
  printf 'serviceAccount:service-%s@%s.iam.gserviceaccount.com' "$number" "$1"
}

project_number() {
  if [ ! -f "$scratch/number" ]; then
    value gcloud projects describe "$PROJECT" --format='value(projectNumber)' >"$scratch/number" || exit 1
  fi
  cat "$scratch/number"
}
