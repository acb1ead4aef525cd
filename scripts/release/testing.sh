# What deb-test and rpm-test have in common. They source it in the root of the repository,
# and set name, root and version for each container.

box=scripts/systemd/box.sh
url=http://127.0.0.1:8000/

fail() { echo "FAIL $version: $*" >&2; exit 1; }
ok() { echo "ok $version: $* (${SECONDS}s)"; }
inside() { "$box" in "$name" "$@"; }
show() { inside systemctl show -P "$1" narwhal.service; }
request() { inside curl -sS --max-time 30 -H 'Content-Type: application/json' -d '{"text":"Angela Merkel was born in Hamburg."}' "$url"; }
answers() { request 2>/dev/null | grep -q PERSON; }

# await WHAT SECONDS COMMAND… repeats the command until it succeeds.
await() {
	local what=$1 end=$((SECONDS + $2))
	shift 2
	until "$@"; do [ $SECONDS -lt $end ] || fail "waited in vain for $what"; sleep 0.1; done
}
another() { local pid; pid=$(show MainPID) && [ "$pid" != "$1" ] && [ "$pid" != 0 ]; }
gone() { ! inside test -e "/proc/$1"; }

load_begins() {
	inside /usr/local/bin/load "$url" 8 >"$work/load.out" 2>&1 &
	load=$!
	await "the load's first request" 30 loaded
}
loaded() { inside pgrep -x load >/dev/null && request >/dev/null; }
# load_ends WHAT ends the load. No request may have failed.
load_ends() {
	inside pkill -TERM -x load
	wait $load || fail "$1: the load itself failed: $(cat "$work/load.out")"
	local requests failed
	read -r requests failed < <(sed -n 's/requests=\([0-9]*\) failed=\([0-9]*\) .*/\1 \2/p' "$work/load.out")
	[ "$requests" -gt 20 ] || fail "$1: only $requests requests"
	[ "$failed" = 0 ] || fail "$1: $(tr '\n' ' ' <"$work/load.out")"
	ok "$1: $requests requests, none failed"
}

# upgraded_by COMMAND… runs a command that upgrades the program. Then systemd must have
# another main process, which runs the file on disk.
upgraded_by() {
	local pid
	pid=$(show MainPID)
	"$@"
	await "another main process" 60 another "$pid"
	await "the old master's end" 60 gone "$pid"
	[ "$(inside readlink "/proc/$(show MainPID)/exe")" = /usr/bin/narwhal ] || fail "the service does not run the new program"
}

# boot KIND VERSION boots a container.
boot() {
	version=$2 name=$1-$2-$$ root=/run/narwhal-box-$1-$2-$$/root
	trap halt EXIT
	"$box" up "$name" "$version"
	rm -f "$root/usr/sbin/policy-rc.d" # it forbids the start of services in some containers
	mkdir -p "$root/usr/local/bin"
	cp "$work/load" "$root/usr/local/bin/load"
}

halt() {
	local code=$?
	[ $code = 0 ] || [ $code = 77 ] || inside journalctl -b --no-pager -o cat -u narwhal.service -n 60 >&2 || true
	"$box" down "$name" || true
	exit $code
}

# built EXTENSION prints the file in dist for this machine's processor.
built() {
	local file
	file=$(echo dist/narwhal_*_linux_"$(dpkg --print-architecture)$1")
	[ -e "$file" ] || { echo "no $file: run make release first" >&2; exit 1; }
	echo "$file"
}

"$box" check any || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -o "$work/load" ./scripts/systemd/load
