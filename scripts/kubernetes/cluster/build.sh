#!/bin/bash
# Builds the programs of a Kubernetes cluster, all in one, from the modules of Kubernetes and
# etcd, unless they are there already:
#
#   scripts/kubernetes/cluster/build.sh
#
# Writes .cache/kubernetes/cluster, and beside it a link for each program. The first time
# this downloads 1.2 GB of modules and compiles for 25 minutes of one core. What Go has
# compiled is in Go's cache then, so a later build takes less than a minute.
set -euo pipefail
cd "$(dirname "$0")"
to=../../../.cache/kubernetes
mkdir -p $to
for file in main.go go.mod go.sum build.sh; do [ $to/cluster -nt $file ] || old=1; done
[ "${old:-}" ] || exit 0

# Kubernetes' programs say which version they are only if the linker tells them.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
package=k8s.io/component-base/version
echo "building Kubernetes $version; the first time this takes long"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $to/new \
	-ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor" .
for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
	ln -sf cluster $to/$program
done
mv $to/new $to/cluster
