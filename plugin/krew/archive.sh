#!/bin/sh
# Makes the archive of one platform: the binary, the script of its completion, the license.
#
# usage: plugin/krew/archive.sh BINARY PLATFORM OUT_DIR        PLATFORM: linux_amd64, linux_arm64, darwin_amd64, darwin_arm64
set -eu

[ $# = 3 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
plugin=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
install -m 0755 "$1" "$folder/kubectl-fairlead"
install -m 0755 "$plugin/kubectl_complete-fairlead" "$folder/"
install -m 0644 "$plugin/../LICENSE" "$folder/"
mkdir -p "$3"
tar -C "$folder" -czf "$3/kubectl-fairlead_$2.tar.gz" .
