# SPDX-License-Identifier: MIT
# Stages of a test run: each is timed, logged, and named in the end with what its log sums up.

stages_open() {
        logs=build-logs
        mkdir -p "$logs"
        passed=0 failed=0 skipped=0
}

# stage NAME COMMAND…: runs it with its output in a log; goes on after a failure. Status 77 is a skip, said loudly.
stage() {
        local name=$1 log=$logs/${1// /-}.log begun=$EPOCHREALTIME status
        shift
        if [ -n "${wanted_stages:-}" ] && [[ " $wanted_stages " != *" ${name// /-} "* ]]; then
                return 0
        fi
        [ ! -t 1 ] || printf '%s  …    %-28s%s\r' "$dim" "$name" "$plain"
        set +e # not `|| status=$?`: that would switch off -e inside the stage too
        (set -e; "$@") >"$log" 2>&1 </dev/null
        status=$?
        set -e
        local seconds=$(((${EPOCHREALTIME/[.,]/} - ${begun/[.,]/}) / 100000))
        local line
        line=$(printf '%-28s %4d.%d s  %s' "$name" $((seconds / 10)) $((seconds % 10)) "$(summary_of "$log")")
        case $status in
        0)
                passed=$((passed + 1))
                echo "  ${green}ok${plain}   $line"
                say_skipped_parts "$name" "$log"
                ;;
        77)
                skipped=$((skipped + 1))
                echo "  ${yellow}SKIP${plain} $line"
                ;;
        *)
                failed=$((failed + 1))
                echo "  ${red}FAIL${plain} $line"
                tail -n 60 "$log" | sed 's/^/       | /'
                echo "       | (whole: $log)"
                ;;
        esac
}

# Parts that a passed stage skipped count as skips, too.
say_skipped_parts() {
        local words
        while IFS= read -r words; do
                skipped=$((skipped + 1))
                echo "  ${yellow}SKIP${plain} of $1: $words"
        done < <(skips_of "$2")
}

# A stage that the later ones need, whichever are wanted: a failure ends the run.
needed_stage() {
        local before=$failed
        wanted_stages='' stage "$@"
        [ "$failed" -eq "$before" ] || stages_close
}

skips_of() {
        sed -n 's/^SKIP: //p' "$1"
}

# The last line of a log that counts tests, or says why there are none.
summary_of() {
        local counts
        counts=$(sed -n 's/^=* *\([0-9]* \(passed\|failed\).*[^ =]\) *=*$/\1/p; s/^\(Ok: .*\)/\1 unit tests/p; s/^\([0-9]* \(runs\|agents\); .*\)$/\1/p' "$1" |
                tail -n 1)
        [ -n "$counts" ] || counts=$(skips_of "$1" | tail -n 1)
        echo "$counts"
}

stages_close() {
        echo
        echo "stages: $passed passed, $failed failed, $skipped skipped"
        [ "$failed" -eq 0 ]
}
