#!/bin/bash
# Starts what each node of a cluster has: containerd, the kubelet and kube-proxy.
# scripts/kubernetes/test.sh runs it in each node, after control-plane.sh:
#
#   node.sh NUMBER NODES
#
# The pods of node N have the addresses 10.244.N.0/24. Routes lead to the pods of the other
# nodes.
set -euo pipefail
dir=$(cd "$(dirname "$0")" && pwd) number=$1 nodes=$2
name=n$number
mkdir -p /run/kubernetes /etc/cni/net.d

# The kubelet writes settings that the whole machine has, unless they have its values already.
# So in the node it sees files with these values in their place. All others of these settings
# are read-only. Those of the network are the node's own.
for settings in kernel vm; do
	mount --bind /proc/sys/$settings /proc/sys/$settings
	mount -o remount,bind,ro /proc/sys/$settings
done
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
	file=/run/kubernetes/${setting##*/}
	echo "${setting#*=}" >"${file%=*}"
	mount --bind "${file%=*}" "/proc/sys/${setting%=*}"
done
sysctl -q -w net.ipv4.ip_forward=1
for n in $(seq "$nodes"); do
	[ "$n" = "$number" ] || ip route add "10.244.$n.0/24" via "10.99.0.$n"
done
cat >/etc/cni/net.d/10-pods.conflist <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
	"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": true,
	"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.$number.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
JSON

start() { setsid "$@" >>"/run/kubernetes/$1.log" 2>&1 </dev/null & }
start containerd --config "$dir/containerd.toml"
until ctr version >/dev/null 2>&1; do sleep 0.2; done
for image in /share/*.oci.tar /share/pause.tar; do ctr -n k8s.io images import "$image" >/dev/null; done
start kubelet --kubeconfig="$dir/$name.conf" --config="$dir/kubelet.yaml" --hostname-override="$name" --node-ip="10.99.0.$number"
start kube-proxy --kubeconfig="$dir/proxy.conf" --hostname-override="$name" --cluster-cidr=10.244.0.0/16 --proxy-mode=iptables --conntrack-max-per-core=0
