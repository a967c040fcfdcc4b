#!/usr/bin/env bash
# Makes what is given to others, in dist/: an archive for each OS/ARCHITECTURE
# named (without a word, those below), a package for Debian and Ubuntu for each
# linux among them, and SHA256SUMS. The same source gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

platforms=("$@")
[ ${#platforms[@]} != 0 ] || platforms=(linux/amd64 linux/arm64 darwin/arm64)
export VERSION=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
# Files in archives are as old as the commit, not as this run.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

rm -rf dist
mkdir -p dist/stage
for platform in "${platforms[@]}"; do
  name=toban_${VERSION}_${platform/\//_}
  mkdir "dist/stage/$name"
  tools/compile.sh "$platform" "dist/stage/$name/toban"
  if [[ $platform == linux/* ]]; then
    tools/deb.sh "${platform#*/}" "dist/stage/$name/toban"
    install -m 644 deploy/systemd/*.service "dist/stage/$name"
  fi
  install -m 644 LICENSE README.md README.ja.md "dist/stage/$name"
  tar -C dist/stage --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -c "$name" |
    gzip -9n >"dist/$name.tar.gz"
done
rm -rf dist/stage
shopt -s nullglob # there is no package where nothing is for linux
(cd dist && sha256sum -- *.tar.gz *.deb >SHA256SUMS)
cat dist/SHA256SUMS
