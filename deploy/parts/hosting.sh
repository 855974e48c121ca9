# shellcheck shell=bash
# The web page, and the one address under which phones find all functions.

part_hosting() {
  local live
  stage_firebase
  # release.txt is the digest of what was staged: the live one shows whether it is this release.
  if ! dry; then
    live=$(curl --silent --fail --max-time 20 "https://$HOSTING_SITE.web.app/release.txt" || true)
    if [ "$live" = "$(cat "$stage/firebase/public/release.txt")" ]; then return; fi
  fi
  must_be_ours site "$HOSTING_SITE" HOSTING_SITE
  ensure_sites
  change "$root/dev.sh" sdk "$stage/firebase"
  change firebase deploy --only hosting --project "$PROJECT" --config "$stage/firebase/firebase.json" --non-interactive
}

# Adding Firebase to a project makes no site. firebase-tools wants the default one, whose name is
# the project's ID, even where another is deployed to.
ensure_sites() {
  local sites
  sites=$(ask firebase hosting:sites:list --json --project "$PROJECT" --non-interactive)
  grep -q '"DEFAULT_SITE"' <<<"$sites" || create_site "$PROJECT"
  [ "$HOSTING_SITE" = "$PROJECT" ] || grep -qF "/sites/$HOSTING_SITE\"" <<<"$sites" || create_site "$HOSTING_SITE"
}

create_site() { change firebase hosting:sites:create "$1" --project "$PROJECT" --non-interactive; }
