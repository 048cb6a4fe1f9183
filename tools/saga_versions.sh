#!/bin/sh
# This machine's SAGA beside that of Debian testing, on the same DEMs, as
# tools/saga_versions.py tells; the second in the root of tools/test_next.sh
# (made once, outside of the repository; root only).
#
#   tools/saga_versions.sh
#   NEXT_ROOT=folder   where the Debian root lies
#   MIRROR=URI         where it comes from (default: this machine's own mirror)
set -eu
TOOLS=$(cd "$(dirname "$0")" && pwd)
TOP=$(dirname "$TOOLS")
# shellcheck source=tools/root.sh
. "$TOOLS/root.sh"

NEXT_ROOT=${NEXT_ROOT:-$CACHE/next-root}
# Not the place of tools/test_next.sh, which may run at the same time.
PLACE=/src/saga-versions/smap-downscaler
DATA=""
PYTHON=${PYTHON:-/usr/bin/python3}
here() { sh "$TOOLS/offscreen.sh" "$PYTHON" "$TOOLS/saga_versions.py" "$@"; }

make_root "$NEXT_ROOT" testing sid
copy_tree "$TOP" "$NEXT_ROOT$PLACE"
in_root "$NEXT_ROOT" "$PLACE" sh tools/setup.sh --quick
rm -f "$NEXT_ROOT"/var/cache/apt/archives/*.deb

FIRST=$(mktemp -d)
SECOND=$NEXT_ROOT$PLACE/saga-versions
trap 'rm -rf "$FIRST" "$SECOND"' EXIT
here dems "$FIRST"
rm -rf "$SECOND"
cp -R "$FIRST" "$SECOND"
here chain "$FIRST"
in_root "$NEXT_ROOT" "$PLACE" sh tools/offscreen.sh /usr/bin/python3 tools/saga_versions.py chain saga-versions
here compare "$FIRST" "$SECOND"
