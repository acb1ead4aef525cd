#!/bin/bash
# Tests deploy/kubernetes in a real cluster of two nodes, with the image that make release
# builds. Requests run all the time and are counted:
#
#   scripts/kubernetes/test.sh [IMAGES]
#
# IMAGES is a folder with two images that scripts/nodes/images.sh has built. Without it they
# are built. cluster/build.sh builds the cluster's programs, which takes long the first time.
#
# An update and the drain of a node must not lose a request. When a pod or a node dies, only
# what ran there may be lost. scripts/nodes/box.sh makes the nodes on this machine. If other
# programs keep its processors busy, Kubernetes can take a pod out of the Service later than
# the pod leaves, and requests can be lost. The log of etcd then says "took too long".
# Exit status: 0 passed, 1 failed, 77 this machine cannot run nodes. A message then says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
test=kubernetes here=scripts/kubernetes

evidence() {
	kubectl get nodes,pods,endpointslices -o wide
	kubectl get events --sort-by=.lastTimestamp | tail -n 30 | cut -c1-200
	kubectl logs --tail 20 --prefix -l app.kubernetes.io/name=narwhal
	on n1 sh -c 'tail -n 5 /run/kubernetes/*.log | cut -c1-300'
}
. scripts/nodes/testing.sh
command -v openssl >/dev/null || { echo "kubernetes: openssl is missing: apt-get install openssl" >&2; exit 77; }
kubectl() { on n1 kubectl -n narwhal "$@"; }

# pause_image writes an image of the program that holds a pod's network. Its form is that of
# docker save.
pause_image() {
	local dir=$work/pause
	mkdir -p "$dir/root"
	CGO_ENABLED=0 go build -C $here -ldflags "-s -w" -o "$dir/root/pause" ./pause
	tar -C "$dir/root" -cf "$dir/layer.tar" pause
	printf '{"architecture": "%s", "os": "linux", "config": {"Entrypoint": ["/pause"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
		"$(go env GOARCH)" "$(sha256sum "$dir/layer.tar" | cut -d' ' -f1)" >"$dir/config.json"
	echo '[{"Config": "config.json", "RepoTags": ["localhost/pause:1"], "Layers": ["layer.tar"]}]' >"$dir/manifest.json"
	tar -C "$dir" -cf "$work/share/pause.tar" manifest.json config.json layer.tar
}

# pods [NODE] prints the pods, all or those of a node.
pods() { kubectl get pods -o name ${1:+--field-selector spec.nodeName=$1}; }
# serve N [NODE] succeeds if there are N pods, all or on a node, and each is ready.
serve() {
	[ "$(kubectl get pods ${2:+--field-selector spec.nodeName=$2} -o 'jsonpath={range .items[*]}{.status.containerStatuses[0].ready}{"\n"}{end}' | sort | uniq -c | xargs)" = "$1 true" ]
}
# scale N changes the number of pods, and waits until they serve.
scale() {
	kubectl scale deployment/narwhal --replicas "$1" >/dev/null
	await "$1 pods" 120 serve "$1"
}
# roll COMMAND… changes the deployment with kubectl, and waits until the old pods are gone.
roll() {
	local old
	old=$(pods)
	kubectl "$@" >/dev/null
	kubectl rollout status deployment/narwhal --timeout=120s >/dev/null
	kubectl wait --for=delete $old --timeout=60s >/dev/null
}
# spread fails unless each node has a pod.
spread() { [ "$(pods n1)" ] && [ "$(pods n2)" ] || fail "a node has no pod: $(kubectl get pods -o wide)"; }

# The load is on the first node, which does not die. It asks the Service.
load_begins() {
	on n1 sh -euc 'address=$1; shift; setsid /share/load "$@" "$address" >/run/load.out 2>&1 & echo $! >/run/load.pid' load "$service" -clients $clients "$@"
	sleep 1
}
# load_ends WHAT MOST ends the load.
load_ends() {
	on n1 sh -euc 'pid=$(cat /run/load.pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; cat /run/load.out' >"$work/load.out"
	judge "$@"
}

$here/cluster/build.sh
share "$@"
pause_image
cp -a .cache/kubernetes "$work/share/cluster"
cp $here/cluster/*.{sh,yaml,toml} "$work/share/cluster/"
.cache/kubernetes/kubectl kustomize $here/overlay >"$work/share/narwhal.yaml"

"$box" up $set "$work/share" n1 n2
for node in n1 n2; do on $node sh -c 'mkdir -p /opt/bin && ln -s /share/cluster/etcd /share/cluster/kube* /opt/bin/'; done
on n1 /share/cluster/control-plane.sh 2 || fail "the control plane did not start"
on n1 /share/cluster/node.sh 1 2 & first=$!
on n2 /share/cluster/node.sh 2 2
wait $first || fail "n1 did not start"
await "two nodes that are ready" 120 kubectl wait --for=condition=Ready node/n1 node/n2 --timeout=60s
ok "a cluster of two nodes, with Kubernetes $(kubectl get node n1 -o jsonpath='{.status.nodeInfo.kubeletVersion}')"

kubectl apply -f /share/narwhal.yaml >/dev/null
kubectl rollout status deployment/narwhal --timeout=120s >/dev/null
spread
service=$(kubectl get service narwhal -o jsonpath='{.spec.clusterIP}:{.spec.ports[0].port}')
ok "the manifests: pods on each node"

load_begins
roll set image deployment/narwhal narwhal=docker.io/library/narwhal:0.0.2
load_ends "rolling update to another image" 0

load_begins
roll set env deployment/narwhal NARWHAL_WORKER_CLASS=sync
roll set env deployment/narwhal NARWHAL_WORKER_CLASS=concurrent
load_ends "rolling updates to workers that close connections, and back" 0

scale 4
spread
load_begins
kubectl drain n2 --delete-emptydir-data --timeout=140s >"$work/drain" 2>&1 || fail "kubectl drain: $(cat "$work/drain")"
await "all pods on n1" 120 serve 4 n1
load_ends "drain of a node" 0

kubectl uncordon n2 >/dev/null
read -r pod < <(pods n1)
load_begins -again
# Each client has at most one request in the pod that dies.
on n1 sh -euc 'kill -9 $(cat /sys/fs/cgroup/pids/kubepods/burstable/pod$1/*/cgroup.procs)' kill "$(kubectl get $pod -o jsonpath='{.metadata.uid}')"
kubectl wait $pod --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 --timeout=60s >/dev/null
kubectl wait $pod --for=condition=Ready --timeout=60s >/dev/null
load_ends "a pod dies" $clients

scale 6
spread
load_begins -again
"$box" kill $set n2
kubectl wait node/n2 --for=condition=Ready=Unknown --timeout=120s >/dev/null
await "6 pods on n1" 120 serve 6 n1
load_ends "a node dies" $clients
ok "all"
