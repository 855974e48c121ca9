# shellcheck shell=bash
# The web page, and the one address under which phones find all functions.

part_hosting() {
  local live
  stage_firebase
  # release.txt is the digest of what was staged: what is live says whether it is this.
  if ! dry; then
    live=$(curl --silent --fail --max-time 20 "https://$HOSTING_SITE.web.app/release.txt" || true)
    if [ "$live" = "$(cat "$stage/firebase/public/release.txt")" ]; then return; fi
  fi
  change firebase deploy --only hosting --project "$PROJECT" --config "$stage/firebase/firebase.json" --non-interactive
}
