#!/bin/bash
# Builds two container images, as make release builds them, for tests of clusters. Both are
# of this source, and have the versions 0.0.1 and 0.0.2:
#
#   scripts/nodes/images.sh FOLDER
set -euo pipefail
mkdir -p "$1"
to=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -f "$to"/*.oci.tar
for version in 0.0.1 0.0.2; do
	go run -C scripts/release . -image -version $version -out "$work/$version" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	mv "$work/$version"/*.oci.tar "$to/"
done
