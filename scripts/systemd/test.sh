#!/bin/bash
# Tests the unit files of this folder under a real systemd. Requests run all the time and
# are counted:
#
#   scripts/systemd/test.sh [252] [254]     if none is named: both, at the same time
#
# Exit status: 0 passed, 1 failed, 77 this machine cannot boot a systemd in a container. A
# message then says why.
#
# checks.sh has the checks of a service that was started, upgrade.sh those of a service
# whose program was upgraded while it ran.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
. "$here/checks.sh"
. "$here/upgrade.sh"
url=http://127.0.0.1:8000/

fail() { echo "FAIL $version: $*" >&2; exit 1; }
ok() { echo "ok $version: $* (${SECONDS}s)"; }
inside() { "$here/box.sh" in "$box" "$@"; }
show() { inside systemctl show -P "$1" narwhal.service; }
status() { show StatusText; }
request() { inside curl -sS --max-time 30 -H 'Content-Type: application/json' -d '{"text":"Angela Merkel was born in Hamburg."}' "$url"; }
answers() { request | grep -q PERSON; }

# await WHAT SECONDS COMMAND… repeats the command until it succeeds.
await() {
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@"; do [ $SECONDS -lt $end ] || fail "waited in vain for $what; status: $(status)"; sleep 0.1; done
}
generation() { status | grep -qE "workers ready, generation $1(,|\$)"; }
another() { local pid; pid=$(show MainPID) && [ "$pid" != "$1" ] && [ "$pid" != 0 ] && generation 1; }

# readme prints the README's steps for this version, without make install: package has
# installed the program.
readme() {
	sed -n '/^### Under systemd/,/^## Measured/p' README.md | awk '/^```/ { n++; next } n == 1' | grep -v '^make install' |
		if [ "$version" = 252 ]; then cat; else grep -v 'service\.d'; fi
}

settings() { printf '%s\n' 'workers = 2' "${model[@]}" "$@" >"$root/etc/narwhal/narwhal.toml"; }
dropin() { mkdir -p "$root/etc/systemd/system/narwhal.service.d" && printf '%s\n' '[Service]' "$@" >"$root/etc/systemd/system/narwhal.service.d/test.conf" && inside systemctl daemon-reload; }

# package installs the program as a package manager does: it renames a new file over the old
# one. The file of the running program then has no name any more.
package() { cp "$work/narwhal" "$root/usr/bin/narwhal.new" && mv "$root/usr/bin/narwhal.new" "$root/usr/bin/narwhal"; }

load_begins() {
	inside /usr/bin/load "$url" 8 >"$mine/load" 2>&1 &
	load=$!
	await "the load's first request" 30 served_since
}
# served_since succeeds when the load's process runs inside and a request was answered.
served_since() { inside pgrep -x load >/dev/null && request >/dev/null; }
# load_ends WHAT MOST ends the load. At most MOST requests may have failed, and none may
# have been refused.
load_ends() {
	inside pkill -TERM -x load
	wait $load || fail "$1: the load itself failed: $(cat "$mine/load")"
	local requests failed refused
	read -r requests failed refused < <(sed -n 's/requests=\([0-9]*\) failed=\([0-9]*\) refused=\([0-9]*\)/\1 \2 \3/p' "$mine/load")
	[ "$requests" -gt 20 ] || fail "$1: only $requests requests"
	[ "$refused" = 0 ] && [ "$failed" -le "$2" ] || fail "$1: $(tr '\n' ' ' <"$mine/load")"
	ok "$1: $requests requests, $failed failed, none refused"
}

# during WHAT COMMAND… runs the command while a request of 2 s runs. The request must be
# answered. The settings must have the delay.
during() {
	local what=$1 slow
	shift
	while true; do
		request >"$mine/slow" &
		slow=$!
		until under_way; do kill -0 $slow 2>/dev/null || break; done
		kill -0 $slow 2>/dev/null && break
		wait $slow || fail "before $what: a request was not answered" # it ended before under_way saw it: try again
	done
	"$@"
	wait $slow && grep -q PERSON "$mine/slow" || fail "a request of 2 s was lost: $what"
	ok "a request of 2 s finishes: $what"
}
under_way() { inside narwhal status --json | grep -q '"in_flight": 1'; }
delay='delay = "2s"'

run() {
	version=$1 box=$1-$$ mine=$work/$1 root=/run/narwhal-box-$1-$$/root
	trap finish EXIT
	mkdir "$mine"
	"$here/box.sh" up "$box" "$version"
	inside systemctl --version | head -1 | grep -q "^systemd $version" || fail "the box runs $(inside systemctl --version | head -1)"
	# Commands run a copy of the program, because upgrades may break the installed one.
	mkdir -p "$root/usr/local/bin" "$root/etc/narwhal"
	cp "$work/narwhal" "$root/usr/local/bin/narwhal"
	cp "$work/load" "$root/usr/bin/load"
	package
	mkdir -p "$root/root/narwhal/scripts"
	cp -r "$here" "$root/root/narwhal/scripts/"
	settings
	start
	cp "$here/narwhal.socket" "$root/etc/systemd/system/"
	inside systemctl daemon-reload
	security
	reload
	restart "FDSTORE"
	crash "FDSTORE"
	slow
	slow_boot
	upgrades
	upgrade_fails
	upgraded_slow
	upgraded_store
	watchdog
	socket
	ok "all"
}

finish() {
	local code=$?
	[ $code = 0 ] || [ $code = 77 ] || inside journalctl -b --no-pager -o cat -u narwhal.service -n 80 >&2 || true
	"$here/box.sh" down "$box" || true
	exit $code
}

"$here/box.sh" check any || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
model=()
tags=
if [ -e internal/model/embedded/en_core_web_sm.zip ]; then tags=embed_model; else model=('model = "prose"'); fi
CGO_ENABLED=0 go build -tags "$tags" -o "$work/narwhal" ./cmd/narwhal
CGO_ENABLED=0 go build -o "$work/load" ./scripts/systemd/load
[ $# -gt 0 ] || set -- 252 254
runs=()
for v in "$@"; do
	(run "$v") </dev/null &
	runs+=($!)
done
code=0
for pid in "${runs[@]}"; do
	wait "$pid" || { s=$?; [ $s = 77 ] && [ $code != 0 ] || code=$s; }
done
exit $code
