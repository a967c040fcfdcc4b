#!/usr/bin/env bash
# Gets the servers that tests and the bench start: PostgreSQL, Prometheus,
# Alertmanager, the blackbox exporter and nginx; and the browser in which the pages
# are tested, with letters for Japanese.
#
# Debian's packages of the servers are unpacked into a cache folder, never
# installed, so that nothing starts by itself and nothing of the system changes;
# it needs no root. The browser finds its parts by absolute paths, so it is
# installed, by root or sudo; it starts nothing by itself either. What the machine
# already has is used. internal/testserver looks in the same places. Prints one
# line when everything is there.
set -euo pipefail

if [ -n "${TOBAN_SERVERS:-}" ]; then
  cache=$TOBAN_SERVERS
elif [ "$(id -u)" = 0 ]; then
  cache=/var/cache/toban-servers # not root's home: PostgreSQL runs as somebody who may not enter it
else
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/toban-servers
fi
root=$cache/root

# program:package
servers=(
  postgres:postgresql
  initdb:postgresql
  prometheus:prometheus
  prometheus-alertmanager:prometheus-alertmanager
  prometheus-blackbox-exporter:prometheus-blackbox-exporter
  nginx:nginx
)

find_program() { # prints the path of $1, or fails
  local path
  for path in "$root"/usr/{bin,sbin}/"$1" "$root"/usr/lib/postgresql/*/bin/"$1"; do
    [ -x "$path" ] && echo "$path" && return
  done
  command -v "$1" && return
  for path in /usr/sbin/"$1" /usr/lib/postgresql/*/bin/"$1"; do
    [ -x "$path" ] && echo "$path" && return
  done
  return 1
}

missing() { # sets programs and packages to what is not there
  programs=() packages=()
  local each
  for each in "${servers[@]}"; do
    find_program "${each%%:*}" >/dev/null && continue
    programs+=("${each%%:*}")
    [[ " ${packages[*]-} " == *" ${each##*:} "* ]] || packages+=("${each##*:}")
  done
}

browser_missing() { # sets browser to the packages that are not there
  browser=()
  command -v chromium >/dev/null || browser+=(chromium)
  if command -v fc-list >/dev/null; then
    [ -n "$(fc-list :lang=ja)" ] || browser+=(fonts-noto-cjk)
  else
    compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null || browser+=(fonts-noto-cjk)
  fi
}

install_browser() {
  browser_missing
  [ ${#browser[@]} = 0 ] && return
  local root=()
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root=(sudo -n); fi
  fi
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || [ ${#root[@]} != 0 ]; }; then
    echo "servers: installing ${browser[*]}"
    install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq --yes --no-install-recommends install "${browser[@]}")
    "${root[@]}" "${install[@]}" >/dev/null 2>&1 || { "${root[@]}" apt-get -qq update && "${root[@]}" "${install[@]}" >/dev/null; } || true
  fi
  browser_missing
  [ ${#browser[@]} = 0 ] && return
  {
    echo "servers: the tests of the pages need a browser and its letters: ${browser[*]}"
    echo "servers: put them on this machine; on Debian and Ubuntu: apt-get install ${browser[*]}"
  } >&2
  exit 1
}

give_up() {
  missing
  {
    echo "servers: $1"
    echo "servers: the tests need these programs: ${programs[*]-}"
    echo "servers: put them on PATH, or on Debian and Ubuntu: apt-get install ${packages[*]-}"
  } >&2
  exit 1
}

here() { echo "servers: all here ($(find_program postgres), $(find_program prometheus), $(command -v chromium))"; }

install_browser
missing
if [ ${#programs[@]} = 0 ]; then
  here
  exit 0
fi
for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || give_up "no $tool on this machine, so nothing was fetched"
done

umask 022
mkdir -p "$cache/debs" || give_up "cannot write to $cache"
exec 9>"$cache/lock"
if command -v flock >/dev/null; then flock 9; fi
missing # somebody else may have been fetching the same
if [ ${#programs[@]} = 0 ]; then
  here
  exit 0
fi
echo "servers: fetching ${packages[*]} into $cache"

lists=() # options that point apt at lists of our own
apt() { apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "${lists[@]}" "$@"; }

# Which packages this machine lacks to run them, by apt's own answer. Left out is
# what no server touches at run time: web fonts and scripts, the just-in-time
# compiler (switched off by testserver), Perl, debconf, init scripts, nginx's pages.
wanted() {
  apt install --print-uris --yes --no-install-recommends "${packages[@]}" </dev/null |
    awk -F_ '/^.http/ { n = split($1, part, "/"); print part[n] }' | sed 's/%3a.*//; s/%2b/+/g' | sort -u |
    grep -E '^(lib|prometheus|nginx$|postgresql-[0-9]|postgresql-client-[0-9])' |
    grep -vE '^(libjs-|libllvm|libperl|lib.*-perl$)'
}

fetch() {
  local names
  names=$(wanted) && [ -n "$names" ] || return 1
  (cd "$cache/debs" && rm -f ./*.deb && apt download $names)
}

if ! fetch >"$cache/apt.log" 2>&1; then
  # No package lists, or old ones: fresh lists in the cache folder.
  mkdir -p "$cache/lists/partial"
  lists=(-o Dir::State::Lists="$cache/lists" -o Dir::Cache="$cache")
  if ! { apt update && fetch; } >>"$cache/apt.log" 2>&1; then
    tail -n 5 "$cache/apt.log" >&2
    give_up "apt could not fetch ${packages[*]}"
  fi
fi

# Beside the old tree, then in one rename: an interrupted run leaves no half of a program.
rm -rf "$root.new"
if [ -d "$root" ]; then cp -al "$root" "$root.new"; else mkdir "$root.new"; fi
for deb in "$cache"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root.new" --no-same-owner \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./etc/init.d' ||
    give_up "could not unpack $deb"
done
# Debian's Alertmanager reads its default templates from a fixed absolute path. Unpacked,
# it is given a relative one of the same length; testserver starts it in its own folder.
for program in prometheus prometheus-alertmanager; do
  [ -f "$root.new/usr/bin/$program" ] || continue
  LC_ALL=C sed -i 's|/usr/share/prometheus/|..//share//prometheus/|g' "$root.new/usr/bin/$program"
done
rm -rf "$root" && mv "$root.new" "$root"
rm -rf "$cache/debs" "$cache/lists" "$cache"/*.bin

missing
[ ${#programs[@]} = 0 ] || give_up "the fetched packages do not have everything"
libraries=$(echo "$root"/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu | tr ' ' ':')
for each in "${servers[@]}"; do
  path=$(find_program "${each%%:*}")
  case $path in "$root"/*) extra=$libraries ;; *) extra= ;; esac
  case $path in */nginx) ask=-v ;; *) ask=--version ;; esac
  LD_LIBRARY_PATH=$extra "$path" "$ask" >"$cache/version.log" 2>&1 || {
    tail -n 3 "$cache/version.log" >&2
    give_up "$path does not run on this machine"
  }
done
here
