# shellcheck shell=sh
# To be sourced, by sh: small Debian roots of their own to try the project in.
# Needs root, and debootstrap (installed where it is missing).  Everything is
# mounted in a mount namespace of its own, so nothing is left mounted behind.

# shellcheck source=tools/apt.sh
. "$TOOLS/apt.sh"
# shellcheck disable=SC2034  # for those who source this
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/smap-downscaler

# The mirror of this machine's own APT sources; MIRROR=URI overrides it.
mirror() {
    [ -z "${MIRROR:-}" ] || { echo "$MIRROR"; return; }
    found=$(release_entry "$(codename)" | head -n 1)
    [ -n "$found" ] || { echo "no APT source for '$(codename)' found: name a Debian mirror with MIRROR=URI." >&2; return 1; }
    echo "${found%% *}"
}

# make_root DIR SUITE SCRIPT: a bare Debian, once.
make_root() {
    [ "$(id -u)" -eq 0 ] || { echo "a Debian root can be made and entered by root only." >&2; return 1; }
    [ ! -f "$1/etc/debian_version" ] || return 0
    [ ! -e "$1" ] || { echo "'$1' is there, but holds no Debian: remove it or name another folder." >&2; return 1; }
    uri=$(mirror) || return 1
    command -v debootstrap >/dev/null || { apt_update && apt_install debootstrap; }
    rm -rf "$1.part"
    mkdir -p "$1.part"
    debootstrap --variant=minbase "$2" "$1.part" "$uri" "$3"
    printf '#!/bin/sh\nexit 101\n' >"$1.part/usr/sbin/policy-rc.d"
    chmod +x "$1.part/usr/sbin/policy-rc.d"
    # How this machine reaches its mirrors, proxies included.
    { apt-config dump | grep -E '^Acquire::(http|https|Check-)' || true; } >"$1.part/etc/apt/apt.conf.d/90host"
    mv "$1.part" "$1"
}

# copy_tree FROM TO: the files that git knows, and the new ones that it does not ignore.
copy_tree() {
    rm -rf "$2"
    mkdir -p "$2"
    (cd "$1" && python3 tools/check_text.py --list0 | tar --null --no-recursion -T - -cf -) | tar -C "$2" -xf -
}

# in_root DIR FOLDER COMMAND...: runs the command in FOLDER of the root.
# DATA=folder is shown read-only as ../shared/data of FOLDER; DEBS=folder keeps
# downloaded packages from one root to the next.
in_root() {
    root=$1; folder=$2; shift 2
    shared=$root$(dirname "$folder")/shared/data
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    mkdir -p "$root/proc" "$root/dev/shm" "$root$folder"
    [ -z "${DATA:-}" ] || mkdir -p "$shared"
    [ -z "${DEBS:-}" ] || mkdir -p "$DEBS/partial"
    # Not "exec chroot": process 1 must be a shell, which lets signals through and buries orphans.
    # shellcheck disable=SC2016
    root=$root folder=$folder shared=$shared DATA=${DATA:-} DEBS=${DEBS:-} \
        unshare --mount --pid --fork --kill-child sh -euc '
        mount -t proc proc "$root/proc"
        mount -t tmpfs tmpfs "$root/dev/shm"
        if [ -n "$DEBS" ]; then mount --bind "$DEBS" "$root/var/cache/apt/archives"; fi
        if [ -n "$DATA" ]; then
            mount --bind "$DATA" "$shared"
            mount -o remount,bind,ro "$shared"
        fi
        chroot "$root" /usr/bin/env -i --chdir="$folder" HOME=/root LANG=C.UTF-8 TERM=dumb \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" "$@"
        exit $?
    ' sh "$@"
}
