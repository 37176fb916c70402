# SPDX-License-Identifier: MIT
# What the builds of packages share: the source tree, the roots, the result. To be sourced; the caller is a bash script with
# "set -euo pipefail".
#
# Environment, besides that of tests/support/roots.py (the cache, the mirror, proxies):
#   ARGUS_DIST               where packages are put (default: dist/)
#   ARGUS_PACKAGE_COMMIT     the commit to build (default: the tree as it is)
#   ARGUS_PACKAGE_UNCHECKED  not empty: without unit tests, lintian and rpmlint

top=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
library=$top/packaging/lib
dist=${ARGUS_DIST:-$top/dist}

die() {
        echo "${0##*/}: $*" >&2
        exit 1
}

need_roots() {
        [ "$(id -u)" -eq 0 ] || die "building in a clean root of Debian needs root: sudo ./dev package, or" \
                "packaging/portable/build --local, which builds the portable binaries on this system as it is"
        local tool
        for tool in mmdebstrap:mmdebstrap unshare:util-linux ip:iproute2; do
                command -v "${tool%:*}" >/dev/null || die "apt-get install ${tool#*:}: ${tool%:*} is missing"
        done
}

# A directory that goes away with the script.
make_work() {
        work=$(mktemp -d /var/tmp/argus-package.XXXXXX)
        trap 'rm -rf "$work"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
}

version() {
        sed -n "/^project(/,/)/s/^ *version : '\(.*\)',\$/\1/p" "$top/meson.build"
}

# The time that is put into what is built, the same for the same source.
source_time() {
        git -C "$top" log -1 --format=%ct 2>/dev/null ||
                date -d "$(sed -n 's/^ -- .*>  //p' "$top/packaging/deb/changelog" | head -n 1)" +%s
}

# export_source DIRECTORY: the tree as it is, without what is ignored, or that of the commit in ARGUS_PACKAGE_COMMIT; with
# the version that version() says.
export_source() {
        mkdir -p "$1"
        if [ -n "${ARGUS_PACKAGE_COMMIT:-}" ]; then
                git -C "$top" archive "$ARGUS_PACKAGE_COMMIT" | tar -x -C "$1"
        elif git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
                (cd "$top" && git ls-files -z --cached --others --exclude-standard |
                        while IFS= read -rd '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
                        tar --null -T - -c) | tar -x -C "$1"
        else
                tar -C "$top" --exclude='./build*' --exclude=./dist -c . | tar -x -C "$1"
        fi
        sed -i "/^project(/,/)/s/^\( *version : \)'.*',\$/\1'$(version)',/" "$1/meson.build"
        find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(source_time)}
