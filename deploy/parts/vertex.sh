# shellcheck shell=bash
# --models vertex: the same image as a Vertex AI model, behind one endpoint for each model.
# A request carries one photo as raw pixels in base64, some 410 kB of the 1.5 MB that Vertex AI takes.

vertex_deploy() {
  local pair
  for pair in $bundle_models; do vertex_model "$1" "${pair%/*}" "${pair#*/}"; done
}

# The endpoint that VERTEX_ENDPOINTS names for a model.
endpoint_of() {
  local pair
  for pair in $(tr ',' ' ' <<<"$VERTEX_ENDPOINTS"); do
    if [ "${pair%%=*}" = "$1" ]; then
      printf '%s' "${pair#*=}"
      return
    fi
  done
  die "VERTEX_ENDPOINTS names no endpoint for $1"
}

# The ID of a deployed model: digits, at most ten. The same image has the same one.
deployed_id() { printf '%d' "0x1$(printf '%.7s' "$1")"; }

vertex_model() {
  local image=$1 name=$2 version=$3 place=(--region="$REGION" --project="$PROJECT")
  local model alias endpoint id parent=() old split
  model=$(tr '[:upper:]_' '[:lower:]-' <<<"$name")
  alias=v-$(printf '%s' "$image" | digest)
  endpoint=$(endpoint_of "$name") || exit 1
  id=$(deployed_id "${alias#v-}")
  if ! exists gcloud ai models describe "$model@$alias" "${place[@]}"; then
    parent=(--model-id="$model")
    ! exists gcloud ai models describe "$model" "${place[@]}" \
      || parent=(--parent-model="projects/$PROJECT/locations/$REGION/models/$model")
    # With retries: in a new project Vertex AI first creates the account that reads the image.
    change_patiently gcloud ai models upload "${place[@]}" --display-name="$name" "${parent[@]}" \
      --version-aliases="$alias" --container-image-uri="$image" --container-ports=8501 \
      --container-predict-route="/v1/models/$name/versions/$version:predict" \
      --container-health-route="/v1/models/$name/versions/$version"
  fi
  exists gcloud ai endpoints describe "$endpoint" "${place[@]}" \
    || change gcloud ai endpoints create --endpoint-id="$endpoint" --display-name="$name/$version" "${place[@]}"
  deployed=$(ask gcloud ai endpoints describe "$endpoint" "${place[@]}" --format='value(deployedModels.extract(id).flatten(separator=" "))')
  case " $deployed " in *" $id "*) return ;; esac
  vertex_same_version "$endpoint" "$name/$version"
  old=$(vertex_serving "$endpoint")
  split=0=100
  if dry && [ "$TRAFFIC" != 100 ]; then
    vertex_pick old "$endpoint" 'deployedModels[0].id'
    old="\${old}"
  fi
  if [ -n "$old" ] && [ "$TRAFFIC" != 100 ]; then split="0=$TRAFFIC,$old=$((100 - TRAFFIC))"; fi
  change_patiently gcloud ai endpoints deploy-model "$endpoint" "${place[@]}" --model="$model@$alias" \
    --display-name="$name/$version" --deployed-model-id="$id" --machine-type="$VERTEX_MACHINE" \
    --min-replica-count="$VERTEX_MIN" --max-replica-count="$VERTEX_MAX" --traffic-split="$split" \
    --service-account="$(account "$MODEL_ACCOUNT")"
}

# Features of another version do not fit the gate of functions that still use this endpoint.
vertex_same_version() {
  local holds
  holds=$(ask gcloud ai endpoints describe "$1" --region="$REGION" --project="$PROJECT" --format='value(displayName)')
  [ -z "$holds" ] || [ "$holds" = "$2" ] \
    || die "endpoint $1 serves $holds, not $2: name another endpoint in VERTEX_ENDPOINTS; functions move to it with --traffic"
}

# The model that gets most of an endpoint's traffic; ID=PERCENT pairs come as "12=95 34=5".
vertex_split() {
  ask gcloud ai endpoints describe "$1" --region="$REGION" --project="$PROJECT" \
    --format='value(trafficSplit.list(separator=" "))'
}

vertex_serving() {
  local pair most=0 id=''
  for pair in $(vertex_split "$1"); do
    if [ "${pair#*=}" -gt "$most" ]; then most=${pair#*=} id=${pair%%=*}; fi
  done
  printf '%s' "$id"
}

# One write of the whole traffic table, as on Cloud Run.
vertex_all_traffic() {
  change gcloud ai endpoints update "$1" --region="$REGION" --project="$PROJECT" --traffic-split="$2=100"
}

# The new model is the one with less traffic; it gets all of it.
vertex_promote() {
  local pair endpoint serving other
  for pair in $(tr ',' ' ' <<<"$VERTEX_ENDPOINTS"); do
    endpoint=${pair#*=}
    serving=$(vertex_serving "$endpoint")
    for other in $(vertex_split "$endpoint"); do
      [ "${other%%=*}" = "$serving" ] || vertex_all_traffic "$endpoint" "${other%%=*}"
    done
    if dry; then
      vertex_pick new "$endpoint" 'deployedModels[-1].id'
      vertex_all_traffic "$endpoint" "\${new}"
    fi
  done
}

# Back to the model with the most traffic or, if only one has traffic, to the other one that is deployed.
vertex_rollback() {
  local pair endpoint serving id split
  for pair in $(tr ',' ' ' <<<"$VERTEX_ENDPOINTS"); do
    endpoint=${pair#*=}
    if dry; then
      vertex_pick old "$endpoint" 'deployedModels[0].id'
      vertex_all_traffic "$endpoint" "\${old}"
      continue
    fi
    serving=$(vertex_serving "$endpoint")
    split=$(vertex_split "$endpoint") || exit 1
    if [ "${split/ /}" != "$split" ]; then
      vertex_all_traffic "$endpoint" "$serving"
      continue
    fi
    for id in $(vertex_ids "$endpoint"); do
      [ "$id" = "$serving" ] || { vertex_all_traffic "$endpoint" "$id"; break; }
    done
  done
}

vertex_ids() {
  value gcloud ai endpoints describe "$1" --region="$REGION" --project="$PROJECT" \
    --format='value(deployedModels.extract(id).flatten(separator=" "))'
}

# For --dry-run: a line that sets variable $1 to a field of endpoint $2.
vertex_pick() {
  remember "$1" gcloud ai endpoints describe "$2" --region="$REGION" --project="$PROJECT" --format="value($3)"
}
