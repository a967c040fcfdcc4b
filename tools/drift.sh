#!/usr/bin/env bash
# Fails when `make gen` changes anything: generated code is committed as its
# generator writes it. Works in a tree with changes, too.
set -euo pipefail
cd "$(dirname "$0")/.."

state() { # a line for each file that git knows or would take
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [ -f "$file" ]; then printf '%s\0' "$file"; fi
  done | xargs -0 -r sha256sum
}

before=$(state)
make --no-print-directory --silent gen
after=$(state)
if [ "$before" != "$after" ]; then
  echo "drift: generated code is not what its generator writes; run 'make gen' and commit:" >&2
  { diff <(echo "$before") <(echo "$after") || true; } | awk '/^[<>]/ { print "  " $3 }' | sort -u >&2
  exit 1
fi
echo "drift: generated code is up to date"
