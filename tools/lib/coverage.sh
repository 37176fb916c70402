# SPDX-License-Identifier: MIT
# What the tests reach, by gcc's own counters and gcovr.

coverage_build() {
        need build test coverage
        # not optimised: else lines are merged, and whether one was met is a matter of luck
        build_in build-coverage -Db_coverage=true -Doptimization=0 -Dman=disabled
}

coverage_forget() {
        find build-coverage -name '*.gcda' -delete
}

# An assertion's other branch is a bug.
coverage_tell() {
        gcovr build-coverage --root . --object-directory build-coverage --exclude-branches-by-pattern '\s*assert\(.*' "$@"
}

# The core is small and pure: its own unit tests reach every line, and their words say which of them are missing.
coverage_check_core() {
        coverage_forget
        meson test -C build-coverage --suite core --no-rebuild --print-errorlogs
        coverage_tell --filter src/core/ --fail-under-line 100
}

# By folder and as a whole: lines and branches.
coverage_sum() {
        coverage_tell --filter src/ --csv - | awk -F , '
                NR > 1 {
                        folder = $1; sub("/[^/]*$", "", folder)
                        for (name in names) delete names[name]
                        names[folder]; names["total"]
                        for (name in names) {
                                lines[name] += $2; lines_met[name] += $3
                                branches[name] += $5; branches_met[name] += $6
                        }
                }
                END {
                        for (name in lines)
                                printf "%-10s %5d lines %5.1f %%  %5d branches %5.1f %%\n", name, lines[name],
                                        100 * lines_met[name] / lines[name], branches[name],
                                        100 * branches_met[name] / branches[name] | "sort"
                }'
}
