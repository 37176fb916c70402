# SPDX-License-Identifier: MIT
# The fuzz targets: a build of clang with its sanitizers and libFuzzer.

fuzz_build() {
        need build fuzz
        CC=clang build_in build-fuzz -Dfuzz=true -Dtests=false -Dman=disabled -Db_lundef=false -Db_sanitize=address,undefined
}

fuzz_targets() {
        local file
        for file in tests/fuzz/fuzz-*.c; do
                file=${file#tests/fuzz/fuzz-}
                echo "${file%.c}"
        done
}
