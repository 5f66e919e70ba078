#!/bin/sh
# Two versions beside each other on a real API server: upgrade, roll back and upgrade again under load. Each folder holds the binaries
# fairlead-operator and fairlead-gateway of one version. As root, for a network of its own in which each gateway has an address.
#
# usage: e2e/upgrade.sh OLD_BIN_DIR NEW_BIN_DIR
set -eu

[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
FAIRLEAD_OLD=$(cd "$1" && pwd)
FAIRLEAD_NEW=$(cd "$2" && pwd)
export FAIRLEAD_OLD FAIRLEAD_NEW
cd "$(dirname "$0")/.."
hack/kubernetes.sh kube-apiserver >/dev/null
test=$(cargo test --workspace --features fairlead-e2e/cluster --test upgrade --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*upgrade-[^"]*\)".*/\1/p')
exec unshare --net sh -euc '
    ip link set lo up
    ip link add gateways type veth peer name nobody
    ip link set gateways up
    ip link set nobody up
    for last in 1 2 3 4 5 6 7 8 9; do ip address add 10.97.0.$last/24 dev gateways; done
    ip route add default via 10.97.0.254
    cd e2e && exec "$0" --nocapture
' "$test"
