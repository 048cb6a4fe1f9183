# shellcheck shell=sh
# To be sourced, by sh: what this machine's own APT sources say.

export DEBIAN_FRONTEND=noninteractive

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else echo "'$1' needs root: run this as root, or install sudo." >&2; return 1
    fi
}

# A mirror that stands still (a snapshot) serves lists past their date; only then are they taken as they are.
apt_update() {
    as_root apt-get update -q && return
    echo "apt-get update failed; trying once more without the lists' expiry dates." >&2
    as_root apt-get -o Acquire::Check-Valid-Until=false update -q
}

apt_install() { as_root apt-get -o Dpkg::Use-Pty=0 install -q -y --no-install-recommends "$@"; }

codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"'; }

# The URI of the entry that serves a suite, and its key where one is named, from
# either format of APT's sources: "URI", "URI KEYFILE".
release_entry() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        awk -v suite="$1" '
            function flush() { if (uri != "" && hit && !found) { print uri, key; found = 1 } uri = key = ""; hit = 0 }
            /^#/ { next }
            /^[ \t]*$/ { flush(); next }
            /^URIs:/ { uri = $2 }
            /^Signed-By:/ { if (NF == 2) key = $2 }
            /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) hit = 1 }
            END { flush() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        awk -v suite="$1" '
            $1 == "deb" {
                key = ""; i = 2
                if ($2 ~ /^\[/) {
                    do { if ($i ~ /signed-by=/) { key = $i; sub(/.*signed-by=/, "", key); sub(/\]$/, "", key) } } while ($(i++) !~ /\]$/ && i <= NF)
                }
                if ($(i + 1) == suite) { print $i, key; exit }
            }' "$file"
    done
}
