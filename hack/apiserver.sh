#!/bin/sh
# Prints the path of a kube-apiserver for the end-to-end tests, and builds it first if the cache has none (minutes the first time,
# nothing afterwards). The cache lies outside the tree and outside `target/`, so that neither `git clean` nor `cargo clean` costs a build.
#
#   FAIRLEAD_CACHE   the cache folder; absent: $HOME/.cache/fairlead
#
# Fails (status 1, the reason on stderr) when Go is missing or the build fails; a half-made binary is never left under the final name.
set -eu

version=v1.34.4
module=$(CDPATH='' cd -- "$(dirname -- "$0")/kube-apiserver" && pwd)
bin="${FAIRLEAD_CACHE:-$HOME/.cache/fairlead}/bin"
target="$bin/kube-apiserver-$version"

if [ ! -x "$target" ]; then
    if ! command -v go >/dev/null 2>&1; then
        echo "apiserver.sh: Go is missing; install it (https://go.dev/doc/install), or set KUBEBUILDER_ASSETS to a folder that holds kube-apiserver and etcd" >&2
        exit 1
    fi
    grep -q "k8s.io/kubernetes $version\$" "$module/go.mod" || {
        echo "apiserver.sh: go.mod pins another version than $version; change both together" >&2
        exit 1
    }
    mkdir -p "$bin"
    partial=$(mktemp "$bin/.kube-apiserver.XXXXXX")
    trap 'rm -f "$partial"' EXIT
    echo "apiserver.sh: building kube-apiserver $version into $bin (about five minutes on two cores)" >&2
    # -mod=readonly: go.sum is honoured and go.mod left alone. The server reports the version it is stamped with.
    (
        cd "$module"
        CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off go build -trimpath \
            -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" \
            -o "$partial" k8s.io/kubernetes/cmd/kube-apiserver
    ) >&2
    chmod 0755 "$partial"
    mv -f "$partial" "$target"
fi

echo "$target"
