# What the tests of clusters have in common. A test sources this file in the root of the
# repository. Before, it sets test to its name, and defines evidence, which prints what
# helps to explain a failure.

box=scripts/nodes/box.sh set=$$ clients=8

fail() { echo "FAIL $test: $*" >&2; exit 1; }
ok() { echo "ok $test: $* (${SECONDS}s)"; }
on() { timeout 150 "$box" in $set "$@"; }

# await WHAT SECONDS COMMAND… repeats the command until it succeeds.
await() {
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || fail "waited in vain for $what"; sleep 0.2; done
}

finish() {
	local code=$?
	trap '' INT TERM HUP
	[ $code = 0 ] || [ $code = 77 ] || evidence >&2 || true
	"$box" down $set || true
	local left
	left=$("$box" left $set)
	[ -z "$left" ] || { echo "FAIL $test: the nodes have left: $left" >&2; code=1; }
	rm -rf "$work"
	exit $code
}

# share [IMAGES] writes to the folder that all nodes see: the two images of the folder IMAGES,
# or new ones, and the program that sends requests.
share() {
	if [ $# -gt 0 ]; then
		cp "$1"/*.oci.tar "$work/share/"
	else
		scripts/nodes/images.sh "$work/share"
	fi
	CGO_ENABLED=0 go build -o "$work/share/load" ./scripts/nodes/load
	ok "two images, as make release builds them"
}

# judge WHAT MOST reads what the load has printed to $work/load.out. At most MOST requests
# may have failed.
judge() {
	local requests failed servers kept
	read -r requests failed servers < <(sed -n 's/requests=\([0-9]*\) failed=\([0-9]*\) .*servers=\([0-9]*\)/\1 \2 \3/p' "$work/load.out") || fail "$1: the load itself failed: $(cat "$work/load.out")"
	[ "$requests" -gt 100 ] || fail "$1: only $requests requests"
	[ "$failed" -le "$2" ] || fail "$1: $(tr '\n' ' ' <"$work/load.out")"
	kept=$(sed -n 's/^answered tcp kept: //p' "$work/load.out")
	ok "$1: $requests requests, $kept of them on kept connections, addresses: $servers, failed: $failed"
	[ "$failed" = 0 ] || grep failures "$work/load.out"
}

"$box" check
"$box" sweep
work=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT TERM HUP
mkdir "$work/share"
