#!/usr/bin/env bash
# deb.sh ARCHITECTURE [PROGRAM]: makes toban_VERSION_ARCHITECTURE.deb in $DIST or
# dist/, with dpkg-deb and nothing else of Debian's, and prints its name; without a
# program it is compiled first.
# Go's names of amd64 and arm64 are Debian's too.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v dpkg-deb >/dev/null || { echo "deb: dpkg-deb is missing; on other systems than Debian it is in the package dpkg" >&2; exit 1; }

architecture=$1
export VERSION=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo unknown)}
maintainer=${MAINTAINER:-toban <toban@localhost.localdomain>}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

# v1.2.3-4-gabc is 1.2.3+4.gabc; a version that begins with no number sorts
# before all that do, and by its date.
version=${VERSION#v}
case $version in
[0-9]*.*) ;;
*) version=0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d).$version ;;
esac
version=$(sed 's/-/+/; s/-/./g; s/[^A-Za-z0-9.+~]/./g' <<<"$version")

dist=${DIST:-dist}
mkdir -p "$dist"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
program=${2:-}
if [ -z "$program" ]; then
  program=$root/toban
  tools/compile.sh "linux/$architecture" "$program"
fi
put() { install -D -m "$1" "$2" "$root/package/$3"; }
put 755 "$program" usr/bin/toban
put 644 deploy/systemd/toban.service usr/lib/systemd/system/toban.service
put 644 deploy/systemd/toban-exporter.service usr/lib/systemd/system/toban-exporter.service
put 644 deploy/systemd/toban-agent.service usr/lib/systemd/system/toban-agent.service
put 640 deploy/deb/env etc/toban/env
put 644 deploy/deb/exporter.yml etc/toban-exporter/exporter.yml
put 644 deploy/deb/toban-exporter.default etc/default/toban-exporter
put 600 deploy/deb/agent-key etc/toban-agent/key
put 600 deploy/deb/toban-agent.default etc/default/toban-agent
put 644 deploy/deb/lintian-overrides usr/share/lintian/overrides/toban
put 644 deploy/deb/copyright usr/share/doc/toban/copyright
put 644 README.md usr/share/doc/toban/README.md
put 644 README.ja.md usr/share/doc/toban/README.ja.md
for page in docs/*.md; do put 644 "$page" "usr/share/doc/toban/$page"; done
{
  printf 'toban (%s) stable; urgency=medium\n\n  * Version %s.\n\n' "$version" "$VERSION"
  printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$root/changelog.gz"
put 644 "$root/changelog.gz" usr/share/doc/toban/changelog.gz
(cd "$root/package" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/md5sums"
put 644 "$root/md5sums" DEBIAN/md5sums
size=$(du -k --apparent-size -s "$root/package" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s|@MAINTAINER@|$maintainer|" deploy/deb/control >"$root/control"
put 644 "$root/control" DEBIAN/control
put 644 deploy/deb/conffiles DEBIAN/conffiles
for script in postinst prerm postrm; do put 755 "deploy/deb/$script" "DEBIAN/$script"; done
find "$root/package" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
# The second level of xz packs a program almost as small as the usual one, in a tenth of the time; several threads
# would write other bytes than one.
DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group -Zxz -z2 --build "$root/package" "$dist/toban_${version}_$architecture.deb" >/dev/null
echo "$dist/toban_${version}_$architecture.deb"
