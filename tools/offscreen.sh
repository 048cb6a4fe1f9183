#!/bin/sh
# Run a command without a screen and with a throw-away QGIS profile, so that the
# user's own is neither read nor written:  tools/offscreen.sh COMMAND...
set -eu
throw_away=$(mktemp -d)
trap 'rm -rf "$throw_away"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -m 700 "$throw_away/run"
export QT_QPA_PLATFORM=offscreen
export QGIS_CUSTOM_CONFIG_PATH="$throw_away/qgis"
export XDG_CONFIG_HOME="$throw_away/config" XDG_DATA_HOME="$throw_away/data" XDG_STATE_HOME="$throw_away/state"
export XDG_RUNTIME_DIR="$throw_away/run"
"$@"
