#!/bin/sh
# Run the tests on the Python, NumPy, GDAL and QGIS of Debian testing, in a
# Debian root of its own (made once, outside of the repository; root only).
#
#   tools/test_next.sh [pytest arguments]     default: tests
#   NEXT_ROOT=folder   where the Debian root lies
#   MIRROR=URI         where it comes from (default: this machine's own mirror)
set -eu
TOOLS=$(cd "$(dirname "$0")" && pwd)
TOP=$(dirname "$TOOLS")
# shellcheck source=tools/root.sh
. "$TOOLS/root.sh"

NEXT_ROOT=${NEXT_ROOT:-$CACHE/next-root}
PLACE=/src/smap-downscaler
DATA=$(dirname "$TOP")/shared/data
[ -d "$DATA" ] || DATA=""
[ $# -gt 0 ] || set -- tests

make_root "$NEXT_ROOT" testing sid
copy_tree "$TOP" "$NEXT_ROOT$PLACE"
DATA="" in_root "$NEXT_ROOT" "$PLACE" sh tools/setup.sh --quick
rm -f "$NEXT_ROOT"/var/cache/apt/archives/*.deb
in_root "$NEXT_ROOT" "$PLACE" sh tools/offscreen.sh /usr/bin/python3 -m pytest "$@"
