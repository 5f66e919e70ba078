#!/bin/sh
# Prints the manifest of a release for krew's index, with the digests of its archives.
#
# usage: plugin/krew/manifest.sh VERSION ARCHIVE_DIR           VERSION: v0.1.0
#
# A platform without an archive is left out. Fails where there is none at all, or the version is not what krew takes.
set -eu

[ $# = 2 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
template=$(dirname -- "$0")/fairlead.yaml
echo "$1" | grep -Eq '^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$' || { echo "manifest.sh: $1 is no version such as v0.1.0" >&2; exit 1; }
text=$(sed -e 1d -e "s/VERSION/$1/" "$template")
found=0
for platform in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64; do
    archive=$2/kubectl-fairlead_$platform.tar.gz
    if [ -f "$archive" ]; then
        found=1
        text=$(echo "$text" | sed "s/SHA256_$platform/$(sha256sum "$archive" | cut -d' ' -f1)/")
    else
        os=${platform%_*} arch=${platform#*_}
        text=$(echo "$text" | sed "/os: $os, arch: $arch}/,/bin:/d")
    fi
done
[ "$found" = 1 ] || { echo "manifest.sh: $2 holds no kubectl-fairlead_*.tar.gz" >&2; exit 1; }
echo "$text"
