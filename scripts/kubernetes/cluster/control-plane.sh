#!/bin/bash
# Starts the control plane of a cluster: etcd, the API server, the controllers and the
# scheduler. scripts/kubernetes/test.sh runs it in the first node:
#
#   control-plane.sh NODES
#
# It writes kubeconfig files for kubectl, kube-proxy and the kubelets of that many nodes to
# its own folder, which all nodes see. Everybody has a token instead of a certificate.
# Pods leave a node that has died after 10 s instead of 300 s, so that the test ends sooner.
set -euo pipefail
dir=$(cd "$(dirname "$0")" && pwd) nodes=$1
umask 077
mkdir -p /run/kubernetes /root/.kube
cd /run/kubernetes

# user NAME GROUP FILE adds a user, and writes the kubeconfig file of that user.
user() {
	local token
	token=$(cat /proc/sys/kernel/random/uuid)
	echo "$token,$1,$1,\"$2\"" >>tokens.csv
	cat >"$3" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://10.99.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: $1, user: {token: $token}}]
contexts: [{name: test, context: {cluster: test, user: $1}}]
current-context: test
YAML
}
user admin system:masters /root/.kube/config
user system:kube-proxy "" "$dir/proxy.conf"
for n in $(seq "$nodes"); do user "system:node:n$n" system:nodes "$dir/n$n.conf"; done

# Tokens of service accounts are signed with this key.
openssl genrsa -out accounts.key 2048 2>/dev/null

start() { setsid "$@" >>"/run/kubernetes/$1.log" 2>&1 </dev/null & }
start etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn
start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=10.99.0.1 --cert-dir=/run/kubernetes/certificates \
	--service-cluster-ip-range=10.96.0.0/16 --token-auth-file=tokens.csv --authorization-mode=Node,RBAC \
	--service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.key --service-account-signing-key-file=accounts.key \
	--kubelet-preferred-address-types=InternalIP \
	--default-not-ready-toleration-seconds=10 --default-unreachable-toleration-seconds=10
until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.3; done
start kube-controller-manager --kubeconfig=/root/.kube/config --service-account-private-key-file=accounts.key --leader-elect=false --bind-address=127.0.0.1
start kube-scheduler --kubeconfig=/root/.kube/config --leader-elect=false --bind-address=127.0.0.1
