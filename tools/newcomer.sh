#!/bin/sh
# Do what README.md tells a newcomer to do, on a bare Debian 12: clone the last
# commit, type the commands of README.md's first `sh` block, and look whether
# the maps are there (root only).
#
#   NEWCOMER_ROOT=folder   where the bare Debian lies (made once, then copied)
#   MIRROR=URI             where it comes from (default: this machine's own mirror)
set -eu
TOOLS=$(cd "$(dirname "$0")" && pwd)
TOP=$(dirname "$TOOLS")
# shellcheck source=tools/root.sh
. "$TOOLS/root.sh"

NEWCOMER_ROOT=${NEWCOMER_ROOT:-$CACHE/bookworm-root}
PLACE=/src/smap-downscaler
DATA=""
DEBS=$CACHE/bookworm-debs

# Root has no sudo on a bare Debian, and needs none; the clone is made from here.
commands=$(awk '/^```sh/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$TOP/README.md" |
    sed -e 's/^sudo //' -e '/^git clone /d' -e '/^cd /d')
[ -n "$commands" ] || { echo "newcomer: README.md has no \`\`\`sh block." >&2; exit 1; }

make_root "$NEWCOMER_ROOT" bookworm bookworm
root=$(mktemp -d "$CACHE/newcomer.XXXXXX")
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cp -a "$NEWCOMER_ROOT/." "$root"
git -c safe.directory='*' clone --quiet --no-local "file://$TOP" "$root$PLACE"
echo "$commands" | while IFS= read -r line; do
    [ -n "$line" ] || continue
    echo "newcomer: $line"
    # shellcheck disable=SC2086
    in_root "$root" "$PLACE" $line </dev/null
done
maps=$(find "$root$PLACE/demo-output" -name '*.tif' | wc -l)
projects=$(find "$root$PLACE/demo-output" -name '*.qg[sz]' | wc -l)
echo "newcomer: $maps GeoTIFFs and $projects QGIS project(s) in demo-output/ of commit $(git -C "$TOP" log -1 --format=%h)."
[ "$maps" -gt 0 ] && [ "$projects" -gt 0 ]
