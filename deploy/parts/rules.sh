# shellcheck shell=bash
# What phones may do without the backend: storage.rules and firestore.rules.

part_rules() {
  deploy_firebase firestore:rules,storage
}
