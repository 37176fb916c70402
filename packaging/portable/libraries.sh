# SPDX-License-Identifier: MIT
# The static libraries of the portable programs, for packaging/portable/build and packaging/rpm/build; to be sourced after
# packaging/lib/build.sh.

# Programs that are built here run on this release and all later ones.
oldest_release=bullseye
# Where the libraries come from: the newest release, whose security updates go on the longest.
library_release=trixie
library_sources=(mbedtls curl cjson systemd)
builder_packages=(gcc libc6-dev make pkg-config dpkg-dev ninja-build python3 python3-distutils python3-jinja2 gperf
        libmount-dev libcap-dev scdoc rpm)

# Sets $builder, a root, and $libraries, a directory. The libraries are built once for each set of versions.
prepare_libraries() {
        local cache key
        builder=$("$library/cached-root" "$oldest_release" "${builder_packages[@]}")
        cache=$("$library/cached-root" --cache)/portable
        mkdir -p "$cache/downloads"
        exec 9>"$cache/lock"
        flock 9

        # asked for once an hour, since one run builds several packages
        if [ -z "$(find "$cache/downloads/versions" -mmin -60 -newer "$top/packaging/portable/libraries.sh" 2>/dev/null)" ] &&
                ! "$library/in-root" --network --bind "$cache/downloads:/downloads" \
                        --bind "$top/packaging:/packaging" "$("$library/cached-root" "$library_release")" \
                        /packaging/portable/fetch-sources /downloads "${library_sources[@]}"; then
                [ -f "$cache/downloads/versions" ] || die "there is no way to get the libraries' sources;" \
                        "--local builds with the shared libraries of this system"
                echo "WARNING: going on with the sources of an earlier build" >&2
        fi

        key=$(cat "$cache/downloads/versions" "$top/packaging/portable/build-libraries" - <<<"$builder" | sha256sum | cut -c1-12)
        libraries=$cache/libraries-$key
        if [ ! -d "$libraries" ]; then
                echo "building the static libraries in $libraries (a few minutes, once)"
                rm -rf "$libraries.partial"
                mkdir "$libraries.partial"
                # at the very place where they are used from: libraries have paths in them
                "$library/in-root" --bind "$cache/downloads:/downloads" --bind "$top/packaging:/packaging" \
                        --bind "$libraries.partial:/opt/argus-libraries" "$builder" \
                        nice -n 10 /packaging/portable/build-libraries /downloads /opt/argus-libraries \
                        >"$cache/libraries-$key.log" 2>&1 || {
                        tail -n 60 "$cache/libraries-$key.log"
                        die "the static libraries could not be built (whole log: $cache/libraries-$key.log)"
                }
                mv "$libraries.partial" "$libraries"
        fi
        exec 9>&-
}
