#!/bin/sh
# Prints the pinned Argo CD binary of `make argocd`, and builds it first if the cache has it not (minutes the first time, nothing afterwards).
# Beside it lie, in `manifests`, its definitions and its configuration as they come.
#
#   FAIRLEAD_CACHE   the cache folder; absent: $HOME/.cache/fairlead
#
# Fails (status 1, the reason on stderr) when Go is missing or the build fails.
set -eu

version=v3.1.0
. "$(dirname -- "$0")/go-build.sh"
folder="$cache/argocd-$version"

if [ ! -x "$folder/argocd" ]; then
    mkdir -p "$folder/manifests"
    (cd "$here/argocd" && GOFLAGS=-mod=readonly GOWORK=off go mod download github.com/argoproj/argo-cd/v3)
    source=$(cd "$here/argocd" && GOFLAGS=-mod=readonly GOWORK=off go list -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)
    for file in "$source"/manifests/crds/*-crd.yaml "$source"/manifests/base/config/argocd-*.yaml; do
        # Files of the module cache cannot be written.
        install -m 0644 "$file" "$folder/manifests/"
    done
    go_build "$folder" argocd argocd "$version" . "-X github.com/argoproj/argo-cd/v3/common.version=${version#v}"
fi
echo "$folder/argocd"
