#!/bin/sh
# Prints the folder that holds the pinned Kubernetes commands of the end-to-end tests, and builds first what the cache has not (about
# ten minutes on two cores the first time, nothing afterwards). The cache lies outside the tree and outside `target/`, so that neither
# `git clean` nor `cargo clean` costs a build.
#
#   hack/kubernetes.sh [COMMAND...]     absent: every command of a node and its control plane, kubectl and helm
#
#   FAIRLEAD_CACHE   the cache folder; absent: $HOME/.cache/fairlead
#
# Fails (status 1, the reason on stderr) when Go is missing or a build fails; a half-made binary is never left under its final name.
set -eu

kubernetes=v1.34.4
helm=v3.19.0
# The Kubernetes that Helm renders and lints for when it is not connected to one.
minor=${kubernetes#v1.}
kube_version="-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${minor%.*} -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=${minor%.*}"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache="${FAIRLEAD_CACHE:-$HOME/.cache/fairlead}/kubernetes-$kubernetes-helm-$helm"

fail() {
    echo "kubernetes.sh: $1" >&2
    exit 1
}

# build NAME MODULE VERSION PACKAGE LDFLAGS
build() {
    command -v go >/dev/null 2>&1 || fail "Go is missing; install it (https://go.dev/doc/install), or set KUBECONFIG to a cluster to test on"
    grep -q "^require [^ ]* $3\$" "$here/$2/go.mod" || fail "hack/$2/go.mod pins another version than $3; change both together"
    mkdir -p "$cache"
    partial=$(mktemp "$cache/.$1.XXXXXX")
    trap 'rm -f "$partial"' EXIT
    echo "kubernetes.sh: building $1 $3 into $cache" >&2
    # -mod=readonly: go.sum is honoured and go.mod left alone.
    (
        cd "$here/$2"
        CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off go build -trimpath -ldflags "-s -w $5" -o "$partial" "$4"
    ) >&2
    chmod 0755 "$partial"
    mv -f "$partial" "$cache/$1"
}

[ $# -gt 0 ] || set -- kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl helm
for name in "$@"; do
    [ ! -x "$cache/$name" ] || continue
    case $name in
        helm) build helm helm "$helm" helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=$helm $kube_version" ;;
        # The components report the version they are stamped with.
        *) build "$name" kubernetes "$kubernetes" "k8s.io/kubernetes/cmd/$name" "-X k8s.io/component-base/version.gitVersion=$kubernetes" ;;
    esac
done

echo "$cache"
