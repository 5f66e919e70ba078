#!/bin/sh
# Runs groups of make's targets beside each other, for tests that wait rather than compute; the targets of a group one after the other. Each
# line that one writes begins with the first target of its group. All groups run to their end, whatever becomes of the others.
#
#   hack/beside.sh "TARGET [TARGET..]" ["TARGET [TARGET..]"..]
#
#   MAKE   the make to use; absent: make
#
# Status 1 if a target failed; the last lines say which group that was of, and how long each took.
set -eu

[ $# -gt 0 ] || { sed -n 's/^#   hack/usage: hack/p' "$0" >&2; exit 64; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run GROUP
run() {
    name=${1%% *}
    began=$(date +%s)
    status=0
    # shellcheck disable=SC2086 # A group is several words.
    "${MAKE:-make}" --no-print-directory $1 || status=$?
    echo "$status $(($(date +%s) - began))" >"$work/$name"
}

for group in "$@"; do
    run "$group" 2>&1 </dev/null | sed -u "s/^/[${group%% *}] /" &
done
wait

failed=0
for group in "$@"; do
    # Nothing is there if the group was ended from outside.
    read -r status seconds <"$work/${group%% *}" 2>/dev/null || { status=unknown; seconds=?; }
    [ "$status" = 0 ] || failed=1
    echo "beside.sh: \`$group\` took $seconds s, status $status"
done
exit $failed
