#!/bin/bash
# Tests deploy/swarm/narwhal.yml in a real Docker Swarm of two nodes, with the image that
# make release builds. Requests run all the time and are counted:
#
#   scripts/swarm/test.sh
#
# An update, the drain of a node and scaling must not lose a request. When a node dies, only
# what ran there may be lost. scripts/nodes/box.sh makes the nodes on this machine. Exit
# status: 0 passed, 1 failed, 77 this machine cannot run nodes. A message then says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
box=scripts/nodes/box.sh set=$$ stack=test clients=8

fail() { echo "FAIL swarm: $*" >&2; exit 1; }
ok() { echo "ok swarm: $* (${SECONDS}s)"; }
on() { timeout 150 "$box" in $set "$@"; }
d1() { on d1 docker "$@"; }

finish() {
	local code=$?
	trap '' INT TERM HUP
	if [ $code != 0 ] && [ $code != 77 ]; then
		{
			d1 service ps --no-trunc ${stack}_narwhal | cut -c1-200
			d1 service logs --tail 20 ${stack}_narwhal
			on d1 tail -n 20 /run/dockerd.log
		} >&2 || true
	fi
	"$box" down $set || true
	rm -rf "$work"
	exit $code
}

# await WHAT SECONDS COMMAND… repeats the command until it succeeds.
await() {
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || fail "waited in vain for $what"; sleep 0.2; done
}

# engine starts Docker on a node, and gives it the images.
engine() {
	"$box" in $set "$1" setsid sh -c 'containerd >/run/containerd.log 2>&1 & exec dockerd --containerd /run/containerd/containerd.sock --ip6tables=false -H "$DOCKER_HOST" >/run/dockerd.log 2>&1' </dev/null >/dev/null 2>&1 &
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

# The load is on the first node, which does not die.
load_begins() {
	d1 run -d --name load --network ${stack}_narwhal load:1 -clients $clients "$@" narwhal:8000 >/dev/null
	sleep 1
}
# load_ends WHAT MOST ends the load. At most MOST requests may have failed.
load_ends() {
	d1 stop -t 40 load >/dev/null
	d1 logs load >"$work/load.out" 2>&1
	d1 rm load >/dev/null
	local requests failed servers
	read -r requests failed servers < <(sed -n 's/requests=\([0-9]*\) failed=\([0-9]*\) .*servers=\([0-9]*\)/\1 \2 \3/p' "$work/load.out") || fail "$1: the load itself failed: $(cat "$work/load.out")"
	[ "$requests" -gt 100 ] || fail "$1: only $requests requests"
	[ "$failed" -le "$2" ] || fail "$1: $(tr '\n' ' ' <"$work/load.out")"
	ok "$1: $requests requests to $servers containers, $failed failed"
	[ "$failed" = 0 ] || grep failures "$work/load.out"
}

"$box" check
"$box" sweep
work=$(mktemp -d) nodes="d1 d2"
trap finish EXIT
trap 'exit 130' INT TERM HUP
mkdir "$work/share"
for version in 0.0.1 0.0.2; do
	go run -C scripts/release . -image -version $version -out "$work/$version" >"$work/log" 2>&1 || fail "the image: $(cat "$work/log")"
	mv "$work/$version"/*.oci.tar "$work/share/"
done
CGO_ENABLED=0 go build -o "$work/share/load" ./scripts/nodes/load
cp deploy/swarm/narwhal.yml scripts/swarm/override.yml "$work/share/"
ok "two images, as make release builds them"

"$box" up $set "$work/share" $nodes
engine d1 & first=$!
engine d2
wait $first || fail "d1 has no engine"
d1 swarm init --advertise-addr 10.99.0.1 >/dev/null
on d2 docker swarm join --token "$(d1 swarm join-token -q worker)" 10.99.0.1:2377 >/dev/null
ok "a swarm of two nodes, with Docker $(d1 version --format '{{.Server.Version}}')"

deploy() { on d1 env NARWHAL_IMAGE=narwhal:0.0.1 docker stack deploy --resolve-image never -c /share/narwhal.yml -c /share/override.yml $stack; }
deploy >/dev/null
await "two containers" 90 serve 2 narwhal:0.0.1
[ "$(placed | cut -d' ' -f1 | sort -u | wc -l)" = 2 ] || fail "both containers are on one node: $(placed)"
ok "the stack: a container on each node"

load_begins
d1 service update -d -q --no-resolve-image --image narwhal:0.0.2 ${stack}_narwhal >/dev/null
await "the new image, alone" 60 serve 2 narwhal:0.0.2
await "the end of the old containers" 60 only 2
load_ends "service update to another image" 0

# After an update both containers may be on one node. Swarm spreads those that it adds.
d1 service scale -d ${stack}_narwhal=4 >/dev/null
await "4 containers" 90 serve 4
placed | grep -q '^d1 ' && placed | grep -q '^d2 ' || fail "not every node has a container: $(placed)"
load_begins
d1 node update --availability drain d2 >/dev/null
await "all containers on d1" 90 serve 4 '^d1 '
await "the end of the containers on d2" 60 only 4
load_ends "drain of a node" 0
d1 node update --availability active d2 >/dev/null
d1 service scale -d ${stack}_narwhal=2 >/dev/null
await "2 containers" 90 serve 2
await "the end of the others" 60 only 2

load_begins
for n in 6 2; do
	d1 service scale -d ${stack}_narwhal=$n >/dev/null
	await "$n containers" 90 serve $n
	await "the end of the others" 60 only $n
done
load_ends "scale from 2 to 6 and to 2" 0

d1 service scale -d ${stack}_narwhal=4 >/dev/null
await "4 containers" 90 serve 4
placed | grep -q '^d2 ' || fail "no container is on d2, which is to die: $(placed)"
# Each client has at most one request on the node that dies.
load_begins -again
"$box" kill $set d2
nodes=d1
await "4 containers on d1" 90 serve 4 '^d1 '
load_ends "a node dies" $clients
ok "all"
