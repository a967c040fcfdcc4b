#!/usr/bin/env bash
# compile.sh OS/ARCHITECTURE FILE: one static, stripped program, the same bytes
# each time from the same source and version of Go: no path of this machine, no
# time and no build id is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
# Baselines are written out: a developer's own settings are no part of a release.
GOOS=${1%/*} GOARCH=${1#*/} GOAMD64=v1 GOARM64=v8.0 CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' \
  go build -ldflags "-s -w -buildid= -X toban/cli.Version=$version" -o "$2" ./cmd/toban
