# SPDX-License-Identifier: MIT
# What the subcommands of ./dev share: words, packages, builds.

PYTHON=/usr/bin/python3 # Debian's, for which Debian's packages are; not one that a user put before it in PATH

if [ -t 1 ]; then
        bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' dim=$'\e[2m' plain=$'\e[0m'
else
        bold='' green='' red='' yellow='' dim='' plain=''
fi

die() {
        echo "${red}dev: $*${plain}" >&2
        exit 1
}

# The C files, NUL-separated.
c_files() {
        find src tests -name '*.[ch]' -print0
}

# The packages of the given groups of tools/packages.
packages_of() {
        local group
        for group; do
                sed -n "/^\[$group\]$/,/^\[/{/^[a-z]/{s/ .*//;p}}" tools/packages
        done
}

# Installs what is missing of the given groups.
need() {
        local package missing=() as_root=()
        if ! command -v apt-get >/dev/null; then
                [ -n "${ARGUS_DEV_INSTALLED:-}" ] || say_what_to_install "$@"
                return 0
        fi
        for package in $(packages_of "$@"); do
                [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
        done
        [ ${#missing[@]} -gt 0 ] || return 0

        if [ "$(id -u)" -ne 0 ]; then
                command -v sudo >/dev/null || die "these packages are missing: ${missing[*]}
install them as root (apt-get install ${missing[*]}), or install sudo; then run ./dev again"
                as_root=(sudo)
        fi
        echo "installing with apt-get: ${missing[*]}"
        # a package list that cannot be fetched matters only if a package then cannot be installed
        "${as_root[@]}" apt-get -qq update >/dev/null 2>&1 || echo "(not every package list could be fetched)"
        local said
        said=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get -qq install -y --no-install-recommends "${missing[@]}" 2>&1) ||
                die "apt-get could not install ${missing[*]}:
$said"
}

# Without apt we know only Debian's names of the packages.
say_what_to_install() {
        local group
        die "apt-get is missing. Install these packages, under the names that your distribution uses:
$(for group; do echo "  $group: $(packages_of "$group" | paste -sd ' ')"; done)
then run: ARGUS_DEV_INSTALLED=yes ./dev …"
}

# build_in DIR [OPTION…]: sets DIR up with these meson options if it is not yet, and builds.
build_in() {
        local directory=$1
        shift
        [ -f "$directory/build.ninja" ] || meson setup "$directory" "$@"
        ninja -C "$directory"
}
