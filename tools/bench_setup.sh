#!/bin/sh
# Installs what benchmarks compare with, from Debian: R with ranger and terra, and rasterio.  Where that
# cannot be done they are left out, and benchmarks say so.
set -u
# shellcheck source=tools/apt.sh
. "$(dirname "$0")/apt.sh"

OTHERS="r-cran-ranger r-cran-terra python3-rasterio"
command -v apt-get >/dev/null || exit 0
# shellcheck disable=SC2086
states=$(dpkg-query -W -f='${db:Status-Status}\n' $OTHERS 2>/dev/null) && ! echo "$states" | grep -qvx installed && exit 0
# shellcheck disable=SC2086
{ apt_update && apt_install $OTHERS; } || echo "bench: $OTHERS could not be installed; what needs them is left out." >&2
exit 0
