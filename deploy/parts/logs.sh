# shellcheck shell=bash
# What is not logged (URLs that open a photo), and what is counted from the logs.

# A download token in a request's URL opens a photo for up to an hour: such lines are never stored.
token_filter='httpRequest.requestUrl=~"[?&]token="'

part_logs() {
  local file name found
  found=$(ask gcloud logging sinks describe _Default --project="$PROJECT" \
    --format='value(exclusions.filter(name=download-urls).extract(filter).flatten())')
  if [ -z "$found" ]; then
    change gcloud logging sinks update _Default --project="$PROJECT" \
      --add-exclusion="name=download-urls,filter=$token_filter"
  elif [ "$found" != "$token_filter" ]; then
    change gcloud logging sinks update _Default --project="$PROJECT" \
      --update-exclusion="name=download-urls,filter=$token_filter"
  fi
  for file in "$root"/deploy/templates/metrics/*.json; do
    name=$(basename "$file" .json)
    ensure_metric "$name" "$file"
  done
}

# The description ends in a digest of the file, so that an unchanged metric is left alone.
ensure_metric() {
  local name=$1 file=$built/metrics/$1.json wanted
  wanted=$(digest <"$2")
  render "$2" "$file" DIGEST="$wanted"
  if ! exists gcloud logging metrics describe "$name" --project="$PROJECT" --format='value(description)'; then
    change gcloud logging metrics create "$name" --config-from-file="$file" --project="$PROJECT"
  elif ! grep -qF "$wanted" "$scratch/answer"; then
    change gcloud logging metrics update "$name" --config-from-file="$file" --project="$PROJECT"
  fi
}
