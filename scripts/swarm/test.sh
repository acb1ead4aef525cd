#!/bin/bash
# Tests deploy/swarm/narwhal.yml in a real Docker Swarm of two nodes, with the image that
# make release builds. Requests run all the time and are counted:
#
#   scripts/swarm/test.sh [IMAGES]
#
# IMAGES is a folder with two images that scripts/nodes/images.sh has built. Without it they
# are built.
#
# An update, scaling and the drain of a node must not lose a request. When a node dies, only
# what ran there may be lost. scripts/nodes/box.sh makes the nodes on this machine. Exit
# status: 0 passed, 1 failed, 77 this machine cannot run nodes. A message then says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
test=swarm nodes="d1 d2" stack=test

evidence() {
	d1 service ps --no-trunc ${stack}_narwhal | cut -c1-200
	d1 service logs --tail 20 ${stack}_narwhal
	on d1 tail -n 20 /run/dockerd.log
}
. scripts/nodes/testing.sh
d1() { on d1 docker "$@"; }

# engine starts Docker on a node, and gives it the images.
engine() {
	("$box" in $set "$1" setsid sh -c 'containerd >/run/containerd.log 2>&1 & exec dockerd --containerd /run/containerd/containerd.sock --ip6tables=false -H "$DOCKER_HOST" >/run/dockerd.log 2>&1' </dev/null >/dev/null 2>&1 &)
	await "Docker on $1" 60 on "$1" docker version
	on "$1" sh -euc 'for image in /share/*.oci.tar; do docker load -q -i $image; done
		tar -C /share -c load | docker import -c "ENTRYPOINT [\"/load\"]" - load:1' >/dev/null
}

# placed prints the nodes and images of the containers that run and are healthy.
placed() { d1 service ps --filter desired-state=running --format '{{.Node}} {{.Image}} {{.CurrentState}}' ${stack}_narwhal | grep ' Running '; }
# serve N [PATTERN] succeeds if N containers are healthy, all of them with the pattern.
serve() { [ "$(placed | wc -l)" = "$1" ] && [ "$(placed | grep -c "${2:-.}")" = "$1" ]; }
# only N succeeds if N containers exist on the nodes, so that none is still leaving.
only() {
	local all=0 node
	for node in $nodes; do all=$((all + $(on $node docker ps -q --filter label=com.docker.swarm.service.name=${stack}_narwhal | wc -l))); done
	[ $all = "$1" ]
}
# scale N changes the number of containers, and waits until they serve.
scale() {
	d1 service scale -d ${stack}_narwhal=$1 >/dev/null
	await "$1 containers" 60 serve $1
	await "the end of the others" 60 only $1
}

# The load is on the first node, which does not die.
load_begins() {
	d1 run -d --name load --network ${stack}_narwhal load:1 -clients $clients "$@" narwhal:8000 >/dev/null
	sleep 1
}
# load_ends WHAT MOST ends the load.
load_ends() {
	d1 stop -t 40 load >/dev/null
	d1 logs load >"$work/load.out" 2>&1
	d1 rm load >/dev/null
	judge "$@"
}

share "$@"
cp deploy/swarm/narwhal.yml scripts/swarm/override.yml "$work/share/"

"$box" up $set "$work/share" $nodes
engine d1 & first=$!
engine d2
wait $first || fail "d1 has no engine"
# A node that says nothing for three heartbeats is down. The default is 5 s for each.
d1 swarm init --advertise-addr 10.99.0.1 --dispatcher-heartbeat 2s >/dev/null
on d2 docker swarm join --token "$(d1 swarm join-token -q worker)" 10.99.0.1:2377 >/dev/null
ok "a swarm of two nodes, with Docker $(d1 version --format '{{.Server.Version}}')"

on d1 env NARWHAL_IMAGE=narwhal:0.0.1 docker stack deploy --resolve-image never -c /share/narwhal.yml -c /share/override.yml $stack >/dev/null
await "two containers" 90 serve 2 narwhal:0.0.1
[ "$(placed | cut -d' ' -f1 | sort -u | wc -l)" = 2 ] || fail "both containers are on one node: $(placed)"
ok "the stack: a container on each node"

load_begins
d1 service update -d -q --no-resolve-image --image narwhal:0.0.2 ${stack}_narwhal >/dev/null
await "the new image, alone" 60 serve 2 narwhal:0.0.2
await "the end of the old containers" 60 only 2
load_ends "service update to another image" 0

load_begins
scale 6
scale 2
load_ends "scale from 2 to 6 and to 2" 0

# After an update or a drain all containers may be on one node. Swarm spreads those that it
# adds.
scale 4
placed | grep -q '^d1 ' && placed | grep -q '^d2 ' || fail "not every node has a container: $(placed)"
load_begins
d1 node update --availability drain d2 >/dev/null
await "all containers on d1" 90 serve 4 '^d1 '
await "the end of the containers on d2" 60 only 4
load_ends "drain of a node" 0

d1 node update --availability active d2 >/dev/null
scale 6
placed | grep -q '^d2 ' || fail "no container is on d2, which is to die: $(placed)"
# Each client has at most one request on the node that dies.
load_begins -again
"$box" kill $set d2
nodes=d1
await "6 containers on d1" 90 serve 6 '^d1 '
load_ends "a node dies" $clients
ok "all"
