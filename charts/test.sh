#!/bin/sh
# Tests the charts with helm alone, no cluster:
#   - `helm lint --strict` of both;
#   - each tests/*.values.yaml renders twice to the same bytes, and to what is committed in tests/golden (the access rights are part of it;
#     the definitions are left out, for they stand in crds/manifests);
#   - the definitions are those manifests, but for the annotation that makes helm keep them;
#   - each tests/bad/*.values.yaml is refused, with a message that holds what its first line, `# refused: TEXT`, says.
#
#   charts/test.sh             prints a line for each failure, then `N passed, N failed`; status 1 if anything failed
#   charts/test.sh --update    rewrites tests/golden instead of comparing with it
#
#   HELM   the helm to use; absent: the one that hack/kubernetes.sh builds
set -eu

cd "$(dirname "$0")"
helm=${HELM:-}
[ -n "$helm" ] || helm=$(../hack/kubernetes.sh helm)/helm
# Which version `helm template` is to assume: one that both charts admit.
kubernetes=1.34.0
update=${1:-}
case $update in '' | --update) ;; *) echo "usage: charts/test.sh [--update]" >&2; exit 64 ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

pass() {
    passed=$((passed + 1))
}

fail() {
    failed=$((failed + 1))
    echo "FAILED $1" >&2
    [ ! -s "$work/said" ] || sed 's/^/    /' "$work/said" >&2
}

# chart CASE: a case whose name begins with `crds` is one of fairlead-crds.
chart() {
    case $1 in crds*) echo fairlead-crds ;; *) echo fairlead ;; esac
}

# Without the definitions: an awk record is a line, and the second line of each document names its template.
without_definitions() {
    awk '/^---$/ {held = $0; next} held != "" {skip = /^# Source: .*\/crds\.yaml$/; if (!skip) print held; held = ""} !skip' "$1"
}

# render CASE VALUES OUT: a case's release is called as in its line `# release: NAME`, else fairlead.
render() {
    release=$(sed -n 's/^# release: //p' "$2")
    "$helm" template "${release:-fairlead}" "$(chart "$1")" --namespace fairlead-system --kube-version "$kubernetes" \
        --values "$2" >"$work/whole" 2>"$work/said" || return 1
    without_definitions "$work/whole" >"$3"
}

for chart in fairlead-crds fairlead; do
    if "$helm" lint --strict --kube-version "$kubernetes" "$chart" >"$work/said" 2>&1; then pass; else fail "lint $chart"; fi
done

for values in tests/*.values.yaml; do
    case=$(basename "$values" .values.yaml)
    golden=tests/golden/$case.yaml
    if ! render "$case" "$values" "$work/first" || ! render "$case" "$values" "$work/second"; then
        fail "$case does not render"
        continue
    fi
    : >"$work/said"
    if ! cmp -s "$work/first" "$work/second"; then
        fail "$case renders differently each time"
    elif [ -n "$update" ]; then
        cp "$work/first" "$golden"
        pass
    elif diff -u "$golden" "$work/first" >"$work/said" 2>&1; then
        pass
    else
        fail "$case is not as in $golden (charts/test.sh --update, if that is wanted)"
    fi
done

"$helm" template crds fairlead-crds --kube-version "$kubernetes" --show-only templates/crds.yaml 2>"$work/said" |
    sed -e '/^---$/d' -e '/^# Source: /d' -e '/^    helm.sh\/resource-policy: keep$/d' >"$work/first"
if cat ../crds/manifests/*.yaml | diff -u - "$work/first" >"$work/said" 2>&1; then pass; else fail "fairlead-crds does not hold crds/manifests"; fi
kept=$("$helm" template crds fairlead-crds --kube-version "$kubernetes" 2>/dev/null | grep -c '^    helm.sh/resource-policy: keep$') || :
: >"$work/said"
if [ "$kept" = "$(ls ../crds/manifests | wc -l)" ]; then pass; else fail "$kept definitions are kept when the release goes"; fi

for golden in tests/golden/*.yaml; do
    : >"$work/said"
    if [ -e "tests/$(basename "$golden" .yaml).values.yaml" ]; then pass; else fail "$golden belongs to no case"; fi
done

for values in tests/bad/*.values.yaml; do
    case=$(basename "$values" .values.yaml)
    wanted=$(sed -n '1s/^# refused: //p' "$values")
    if render "$case" "$values" "$work/first"; then
        fail "bad/$case is not refused"
    elif [ -n "$wanted" ] && grep -qF -- "$wanted" "$work/said"; then
        pass
    else
        fail "bad/$case is refused without saying: ${wanted:-(its first line says nothing)}"
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
