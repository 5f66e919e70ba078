# Sourced by the scripts beside it: builds a pinned Go program into a folder of the cache, whole or not at all.

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${FAIRLEAD_CACHE:-$HOME/.cache/fairlead}

fail() {
    echo "${0##*/}: $1" >&2
    exit 1
}

# go_build FOLDER NAME MODULE VERSION PACKAGE LDFLAGS
go_build() {
    command -v go >/dev/null 2>&1 || fail "Go is missing; install it (https://go.dev/doc/install)"
    grep -q "^\(require\)\?[[:space:]]*[^ ]* $4\$" "$here/$3/go.mod" || fail "hack/$3/go.mod pins another version than $4; change both together"
    mkdir -p "$1"
    partial=$(mktemp "$1/.$2.XXXXXX")
    trap 'rm -f "$partial"' EXIT
    echo "${0##*/}: building $2 $4 into $1" >&2
    # -mod=readonly: go.sum is honoured and go.mod left alone.
    (
        cd "$here/$3"
        CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off nice go build -trimpath -ldflags "-s -w $6" -o "$partial" "$5"
    ) >&2
    chmod 0755 "$partial"
    mv -f "$partial" "$1/$2"
}
