#!/bin/bash
# The unit files of this folder under a real systemd, with requests running all
# the time and counted:
#
#   scripts/systemd/test.sh [252] [254]     both if none is named
#
# It needs root, overlayfs and a cgroup2 mount, and fails where it cannot boot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
url=http://127.0.0.1:8000/

work=$(mktemp -d)
box=
finish() {
	local code=$?
	if [ -n "$box" ]; then
		[ $code = 0 ] || inside journalctl -b --no-pager -o cat -u narwhal.service -n 60 >&2 || true
		"$here/box.sh" down "$box" || true
	fi
	rm -rf "$work"
	exit $code
}
trap finish EXIT

fail() { echo "FAIL $version: $*" >&2; exit 1; }
ok() { echo "ok $version: $* (${SECONDS}s)"; }
inside() { "$here/box.sh" in "$box" "$@"; }
show() { inside systemctl show -P "$1" narwhal.service; }
status() { show StatusText; }
request() { inside curl -sS --max-time 30 -H 'Content-Type: application/json' -d '{"text":"Angela Merkel was born in Hamburg."}' "$url"; }

# await WHAT SECONDS COMMAND… until the command succeeds.
await() {
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@"; do [ $SECONDS -lt $end ] || fail "waited in vain for $what; status: $(status)"; sleep 0.1; done
}
generation() { status | grep -qE "workers ready, generation $1(,|\$)"; }

settings() { printf '%s\n' 'workers = 2' "${model[@]}" "$@" >"$root/etc/narwhal/narwhal.toml"; }
dropin() { mkdir -p "$root/etc/systemd/system/narwhal.service.d" && printf '%s\n' '[Service]' "$@" >"$root/etc/systemd/system/narwhal.service.d/test.conf" && inside systemctl daemon-reload; }

load_begins() {
	inside /usr/bin/load "$url" 8 >"$work/load" 2>&1 &
	load=$!
	await "the load's first request" 30 served_since
}
# The load runs if systemd's box has its process and a connection came through.
served_since() { inside pgrep -x load >/dev/null && request >/dev/null; }
# load_ends WHAT MOST: at most so many failed, and none was refused.
load_ends() {
	inside pkill -TERM -x load
	wait $load || fail "$1: the load itself failed: $(cat "$work/load")"
	local requests failed refused
	read -r requests failed refused < <(sed -n 's/requests=\([0-9]*\) failed=\([0-9]*\) refused=\([0-9]*\)/\1 \2 \3/p' "$work/load")
	[ "$requests" -gt 20 ] || fail "$1: only $requests requests"
	[ "$refused" = 0 ] && [ "$failed" -le "$2" ] || fail "$1: $(tr '\n' ' ' <"$work/load")"
	ok "$1: $requests requests, $failed failed, none refused"
}

start() {
	inside systemctl start narwhal.service || fail "start"
	request | grep -q PERSON || fail "start returned and nobody answers"
	generation 1 || fail "start: status is $(status)"
	ok "start returns when workers serve: $(status)"
	local pid
	for pid in $(inside pgrep -P "$(show MainPID)"); do
		inside cat "/proc/$pid/environ" | tr '\0' '\n' | grep -E '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|FDSTORE)' && fail "a worker has systemd's variables"
	done
	[ "$version" = 252 ] || [ "$(show NFileDescriptorStore)" = 1 ] || fail "the store holds $(show NFileDescriptorStore) sockets"
}

security() {
	inside systemd-analyze security --no-pager --threshold=20 narwhal.service >"$work/security" || fail "$(tail -1 "$work/security")"
	ok "$(tail -1 "$work/security")"
}

reload() {
	load_begins
	local n
	for n in 2 3 4; do
		inside systemctl reload narwhal.service
		# Before 253 systemctl reload cannot wait.
		[ "$version" = 252 ] && await "generation $n" 60 generation $n
		generation $n || fail "reload returned before generation $n served: $(status)"
	done
	load_ends "3 reloads" 0
	settings 'worker = 3'
	inside systemctl reload narwhal.service
	await "the failure in the status" 30 reload_failed
	request | grep -q PERSON || fail "nobody answers after a reload that failed"
	ok "a reload that fails: $(status)"
	settings
}
reload_failed() { status | grep -q 'the last reload failed'; }

restart() {
	load_begins
	inside systemctl restart narwhal.service
	inside systemctl restart narwhal.service
	load_ends "2 restarts, $1" 0
}

crash() {
	load_begins
	local pid
	pid=$(show MainPID)
	inside kill -9 "$pid"
	await "another master" 60 another $pid
	# 8 requests were under way, and those queued in a worker's socket with them.
	load_ends "kill -9 of the master, $1" 16
	[ "$(show NRestarts)" -ge 1 ] || fail "it was not restarted"
}
another() { [ "$(show MainPID)" != "$1" ] && [ "$(show MainPID)" != 0 ] && generation 1; }

slow_stop() {
	settings 'delay = "2s"'
	inside systemctl restart narwhal.service
	request >"$work/slow" &
	local slow=$!
	sleep 0.5 # so that it is under way; were it not, it would be refused
	inside systemctl stop narwhal.service
	wait $slow && grep -q PERSON "$work/slow" || fail "a request of 2 s was lost in a stop"
	[ "$(show Result)" = success ] || fail "stop: result $(show Result)"
	ok "a request of 2 s finishes in a stop"
	settings
}

watchdog() {
	dropin WatchdogSec=2s TimeoutAbortSec=1s
	inside systemctl start narwhal.service
	local pid
	pid=$(show MainPID)
	sleep 5 # more than twice its time: a master that lives is left alone
	[ "$(show MainPID)" = "$pid" ] || fail "the watchdog bit a master that lives"
	inside kill -STOP "$pid"
	await "a new master" 60 another "$pid"
	ok "a master that hangs is replaced by the watchdog"
	inside systemctl stop narwhal.service
	dropin
}

socket() {
	inside systemctl start narwhal.socket
	[ "$(show ActiveState)" = inactive ] || fail "the socket unit started the service unasked"
	request | grep -q PERSON || fail "the first request did not start the service"
	ok "the first request starts the service"
	restart "socket unit"
	crash "socket unit"
	inside systemctl stop narwhal.socket narwhal.service
}

run() {
	version=$1 box=$1-$$ root=/run/narwhal-box-$1-$$/root
	"$here/box.sh" up "$box" "$version"
	inside systemctl --version | head -1 | grep -q "^systemd $version" || fail "the box runs $(inside systemctl --version | head -1)"
	cp "$work/narwhal" "$work/load.bin" "$root/usr/bin/" && mv "$root/usr/bin/load.bin" "$root/usr/bin/load"
	cp "$here"/narwhal.{service,socket} "$root/etc/systemd/system/"
	if [ "$version" = 252 ]; then
		mkdir -p "$root/etc/systemd/system/narwhal.service.d"
		cp "$here/narwhal-252.conf" "$root/etc/systemd/system/narwhal.service.d/252.conf"
	fi
	mkdir -p "$root/etc/narwhal"
	settings
	inside systemctl daemon-reload
	start
	security
	reload
	restart "FDSTORE"
	crash "FDSTORE"
	slow_stop
	watchdog
	socket
	"$here/box.sh" down "$box"
	box=
}

model=()
tags=
if [ -e internal/model/embedded/en_core_web_sm.zip ]; then tags=embed_model; else model=('model = "prose"'); fi
CGO_ENABLED=0 go build -tags "$tags" -o "$work/narwhal" ./cmd/narwhal
CGO_ENABLED=0 go build -o "$work/load.bin" ./scripts/systemd/load
for version in "${@:-252 254}"; do for v in $version; do run "$v"; done; done
