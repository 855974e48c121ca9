# shellcheck shell=bash
# The bundle, published and pinned by digest; the SavedModels, in an image of TF Serving.

part_models() {
  local image
  [ "$MODELS" = vertex ] || must_be_ours service "$MODEL_SERVER" MODEL_SERVER
  read_bundle
  find_published
  ensure_repository
  ensure_hub
  image=$(image_name model-server "$(image_tag)") || exit 1
  image_there "$image" || build_model_image "$image"
  # Last: a published bundle stays, and one whose model cannot be served would break every later image.
  publish_bundle
  if [ "$MODELS" = run ]; then model_service "$image"; else vertex_deploy "$image"; fi
}

# Sets what deploy/bundle.py reads from the bundle's manifest.
read_bundle() {
  bundle_folder=$(cd "$root" && cd "$BUNDLE" 2>/dev/null && pwd) || die "there is no bundle at $BUNDLE"
  bundle_version=$(bundle version) || exit 1
  bundle_sha256=$(bundle sha256) || exit 1
  bundle_models=$(bundle models) || exit 1
  bundle_pickles=$(bundle pickles) || exit 1
}

bundle() { "$python" "$root/deploy/bundle.py" "$bundle_folder" "$1"; }

# Publishes the bundle unless find_published saw it.
publish_bundle() {
  [ "$is_published" = false ] || return 0
  # A person's login names no project, and Google's client needs one.
  change env GOOGLE_CLOUD_PROJECT="$PROJECT" "$root/dev.sh" models publish --bundle "$bundle_folder" --to "gs://$MODEL_BUCKET"
}

# Of bundles, which never change, and the commit's files.
image_tag() {
  {
    printf '%s\n' "$bundle_sha256" "$published" "$BUILT" "$TF_SERVING"
    git -C "$root" ls-tree -r HEAD models/serving/image models/network models/publishing
  } | digest
}

# Every published bundle is served: functions ask for their model by its version until the last of
# them is replaced. Remove a bundle from the bucket to leave its model out of the next image.
# Sets published: their versions and the new one's; and is_published: whether it is among them.
find_published() {
  local found='' object=gs://$MODEL_BUCKET/bundles/$bundle_version/manifest.json
  is_published=false
  # A version is never overwritten, so its manifest's checksum says whether it is this one.
  if exists gcloud storage objects describe "$object" --format='value(md5_hash)'; then
    [ "$(cat "$scratch/answer")" = "$(bundle md5)" ] \
      || die "$object is another bundle of the same version: give yours a version of its own"
    is_published=true
  fi
  ! exists gcloud storage ls "gs://$MODEL_BUCKET/bundles/" || found=$(cat "$scratch/answer")
  published=$(printf '%s\n' "$bundle_version" "$found" | sed -nE 's|^(gs://[^/]+/bundles/)?([^/]+)/?$|\2|p' | grep -vx current.json | sort -u)
}

build_model_image() {
  local image=$1 folder=$stage/model-server version bundles=(--bundle "$bundle_folder")
  change rm -rf "$stage/bundles"
  change mkdir -p "$stage/bundles"
  for version in $published; do
    [ "$version" != "$bundle_version" ] || continue
    change gcloud storage cp --recursive "gs://$MODEL_BUCKET/bundles/$version" "$stage/bundles"
    bundles+=(--bundle "$stage/bundles/$version")
  done
  change "$root/dev.sh" models image "$folder" "${bundles[@]}"
  build "$folder" "$root/deploy/templates/cloudbuild.yaml" --substitutions="_IMAGE=$image,_BASE=TF_SERVING=$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY-hub/$TF_SERVING"
}

# Private: only the two functions that classify may call it, with an ID token for its URL.
model_service() {
  local name model=${bundle_models%%$'\n'*}
  deploy_service "$MODEL_SERVER" '' --image="$1" --invoker-iam-check \
    --service-account="$(account "$MODEL_ACCOUNT")" --port=8501 --concurrency="$MODEL_CONCURRENCY" \
    --cpu="$MODEL_CPU" --memory="$MODEL_MEMORY" --timeout="$MODEL_TIMEOUT" \
    --min="$MODEL_MIN" --max-instances="$MODEL_MAX" --cpu-boost \
    --execution-environment=gen2 --ingress=all \
    --startup-probe="httpGet.path=/v1/models/${model%/*}/versions/${model#*/},httpGet.port=8501,periodSeconds=2,timeoutSeconds=1,failureThreshold=90"
  for name in "$CLASSIFY_ACCOUNT" "$PROCESS_ACCOUNT"; do
    grant 'run services' "$MODEL_SERVER" "$(member "$name")" roles/run.invoker --region="$REGION" --project="$PROJECT"
  done
}
