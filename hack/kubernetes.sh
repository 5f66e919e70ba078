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
. "$(dirname -- "$0")/go-build.sh"
folder="$cache/kubernetes-$kubernetes-helm-$helm"

[ $# -gt 0 ] || set -- kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl helm
for name in "$@"; do
    [ ! -x "$folder/$name" ] || continue
    case $name in
        helm) go_build "$folder" helm helm "$helm" helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=$helm $kube_version" ;;
        # The components report the version they are stamped with.
        *) go_build "$folder" "$name" kubernetes "$kubernetes" "k8s.io/kubernetes/cmd/$name" "-X k8s.io/component-base/version.gitVersion=$kubernetes" ;;
    esac
done

echo "$folder"
