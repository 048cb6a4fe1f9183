#!/bin/sh
# Install what SMAP Downscaler needs on Debian 12 or newer, all from Debian:
# QGIS (from backports where the release's own is older than 3.40), SAGA, and
# the Python packages.  Run again at will: it does nothing when all is there.
#
#   tools/setup.sh            what the plugin, the demo and the tests need
#   tools/setup.sh --quick    the same, silent when all is there; on a system
#                             without apt-get it goes on with what there is
set -eu
# shellcheck source=tools/apt.sh
. "$(dirname "$0")/apt.sh"

QGIS_LEAST=3.40
PACKAGES="qgis python3-qgis qgis-providers saga gdal-bin python3-gdal
 python3-numpy python3-scipy python3-sklearn python3-pandas python3-statsmodels
 python3-matplotlib python3-joblib python3-h5py python3-numba
 python3-pytest python3-pytest-xdist python3-hypothesis python3-venv
 xvfb xauth openbox imagemagick fonts-open-sans fonts-dejavu-core zip unzip ca-certificates git make"
# What a Debian may lack: tests that need it are skipped there.
OPTIONAL="python3-distributed"
# These must be new enough, so they are taken together from one suite.
QGIS_PACKAGES="qgis python3-qgis qgis-providers"
NEW_SOURCE=/etc/apt/sources.list.d/smap-downscaler-backports.sources

qgis_version() { dpkg-query -W -f='${Version}' qgis | sed 's/^[0-9]*://'; }
new_enough() { dpkg --compare-versions "$1" ge "$QGIS_LEAST"; }

installed() {
    # dpkg-query fails for a package it has never heard of; one line a package otherwise.
    # shellcheck disable=SC2086
    states=$(dpkg-query -W -f='${db:Status-Status}\n' $PACKAGES 2>/dev/null) || return 1
    ! echo "$states" | grep -qvx installed && new_enough "$(qgis_version)"
}

add_backports() {
    release=$(codename)
    SUITE="$release-backports"
    [ -z "$(release_entry "$SUITE")" ] || return 0
    entry=$(release_entry "$release" | head -n 1)
    [ -n "$entry" ] || {
        echo "setup: no APT source for '$release' found from which to derive its backports; add them by hand." >&2
        exit 1
    }
    key=${entry#* }
    {
        echo "Types: deb"
        echo "URIs: ${entry%% *}"
        echo "Suites: $SUITE"
        echo "Components: main"
        [ -z "$key" ] || echo "Signed-By: $key"
    } | as_root tee "$NEW_SOURCE" >/dev/null
    apt_update
}

candidate() { apt-cache policy "$1" | awk '/Candidate:/ { print $2 }' | sed 's/^[0-9]*://'; }

add_optional() {
    for package in $OPTIONAL; do
        case "$(candidate "$package")" in
            "" | "(none)") ;;
            *) PACKAGES="$PACKAGES $package" ;;
        esac
    done
}

install_all() {
    apt_update
    add_optional
    SUITE=""
    version=$(candidate qgis)
    if [ "$version" = "(none)" ] || [ -z "$version" ] || ! new_enough "$version"; then
        add_backports
    fi
    if [ -n "$SUITE" ]; then
        # shellcheck disable=SC2086
        apt_install -t "$SUITE" $QGIS_PACKAGES
    fi
    # shellcheck disable=SC2086
    apt_install $PACKAGES
    installed || { echo "setup: QGIS is still older than $QGIS_LEAST after the installation." >&2; exit 1; }
}

if ! command -v apt-get >/dev/null; then
    [ "${1:-}" != "--quick" ] || exit 0
    echo "setup: this needs Debian's apt-get; elsewhere install QGIS $QGIS_LEAST or newer and the packages that README.md lists." >&2
    exit 1
elif (add_optional && installed); then
    [ "${1:-}" = "--quick" ] || echo "setup: all is there (QGIS $(qgis_version))."
else
    echo "setup: installing QGIS, SAGA and the Python packages; the first time this takes some minutes."
    install_all
    echo "setup: done (QGIS $(qgis_version))."
fi
