#!/usr/bin/env bash
# Runs every fuzz function of the module, one after another, for the time given
# (Go fuzzes one function of one package at a time).
set -euo pipefail
cd "$(dirname "$0")/.."
each=${1:-30s}

found=0
while IFS=: read -r file name; do
  found=$((found + 1))
  echo "fuzz: $name in $(dirname "$file") for $each"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$each" "./$(dirname "$file")"
done < <(git grep --untracked -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | sed 's/:func /:/')
echo "fuzz: $found functions"
[ "$found" -gt 0 ]
