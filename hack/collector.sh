#!/bin/sh
# Prints the path of the pinned OpenTelemetry Collector that tests send to, and builds it first if the cache has not (about two minutes on two
# cores the first time). As `hack/kubernetes.sh`, outside the tree and outside `target/`.
#
#   FAIRLEAD_CACHE   the cache folder; absent: $HOME/.cache/fairlead
#
# Fails (status 1, the reason on stderr) when Go is missing or the build fails; a half-made binary is never left under its final name.
set -eu

version=v0.165.0
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache="${FAIRLEAD_CACHE:-$HOME/.cache/fairlead}/collector-$version"

fail() {
    echo "collector.sh: $1" >&2
    exit 1
}

if [ ! -x "$cache/otelcol" ]; then
    command -v go >/dev/null 2>&1 || fail "Go is missing; install it (https://go.dev/doc/install)"
    grep -q "otelcol $version\$" "$here/collector/go.mod" || fail "hack/collector/go.mod pins another version than $version; change both together"
    mkdir -p "$cache"
    partial=$(mktemp "$cache/.otelcol.XXXXXX")
    trap 'rm -f "$partial"' EXIT
    echo "collector.sh: building the OpenTelemetry Collector $version into $cache" >&2
    # -mod=readonly: go.sum is honoured and go.mod left alone.
    (
        cd "$here/collector"
        CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off nice go build -trimpath -ldflags "-s -w" -o "$partial" .
    ) >&2
    chmod 0755 "$partial"
    mv -f "$partial" "$cache/otelcol"
fi

echo "$cache/otelcol"
