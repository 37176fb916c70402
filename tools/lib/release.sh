# SPDX-License-Identifier: MIT
# The agent as its package has it, to be measured.

# build_release DIRECTORY [TARGET…]: with the compiler's options of packaging/deb/rules
build_release() {
        local directory=$1 settings
        shift
        settings=$(sed -n 's/^export \(DEB_[A-Z_]*\) = \(.*\)/export \1="\2"/p' packaging/deb/rules)
        (
                eval "$settings"
                CFLAGS=$(dpkg-buildflags --get CFLAGS) CPPFLAGS=$(dpkg-buildflags --get CPPFLAGS) \
                        LDFLAGS=$(dpkg-buildflags --get LDFLAGS)
                export CFLAGS CPPFLAGS LDFLAGS
                # anew if an option is another one: meson keeps those of the first time
                if [ "$(cat "$directory/flags" 2>/dev/null)" != "$CFLAGS $CPPFLAGS $LDFLAGS" ]; then
                        rm -rf "$directory"
                        meson setup "$directory" --buildtype=plain -Dman=disabled
                        echo "$CFLAGS $CPPFLAGS $LDFLAGS" >"$directory/flags"
                fi
                nice -n 10 ninja -C "$directory" "$@"
        )
}

# What tests/bench and tests/budgets measure, in build-release/.
build_measured() {
        build_release build-release argus-agent tests/bench/floor tests/bench/exec-stamp tests/bench/skip-time.so
}
