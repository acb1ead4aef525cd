# The checks of test.sh of a service that was started.

start() {
	readme >"$mine/readme"
	[ "$(wc -l <"$mine/readme")" -ge 4 ] || fail "the README's steps are not found: $(cat "$mine/readme")"
	inside bash -e -c "cd /root/narwhal
$(cat "$mine/readme")" || fail "the README's steps"
	answers || fail "start returned and nobody answers"
	generation 1 || fail "start: status is $(status)"
	ok "the README's steps end when workers serve: $(status)"
	leaks
	[ "$version" = 252 ] || [ "$(show NFileDescriptorStore)" = 1 ] || fail "the store holds $(show NFileDescriptorStore) sockets"
}

# leaks fails if a worker has a variable that systemd has set for the master.
leaks() {
	local pid n=0
	for pid in $(inside pgrep -P "$(show MainPID)"); do
		inside cat "/proc/$pid/environ" >"$mine/environ"
		tr '\0' '\n' <"$mine/environ" | grep -E '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|FDSTORE)' && fail "a worker has systemd's variables"
		n=$((n + 1))
	done
	[ $n = 2 ] || fail "the master has $n workers, want 2"
}

security() {
	inside systemd-analyze security --no-pager --threshold=20 narwhal.service >"$mine/security" || fail "$(tail -1 "$mine/security")"
	ok "$(tail -1 "$mine/security")"
}

reload() {
	load_begins
	await "a rate of requests in the status" 60 busy
	ok "the status under load: $(status)"
	local n
	for n in 2 3 4; do
		inside systemctl reload narwhal.service
		# Before systemd 253, systemctl reload does not wait.
		[ "$version" = 252 ] && await "generation $n" 60 generation $n
		generation $n || fail "reload returned before generation $n served: $(status)"
	done
	load_ends "3 reloads" 0
	settings 'worker = 3'
	inside systemctl reload narwhal.service
	await "the failure in the status" 30 reload_failed
	answers || fail "nobody answers after a reload that failed"
	ok "a reload that fails: $(status)"
	settings
}
busy() { status | grep -qE ', [1-9][0-9]* requests/s'; }
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
	await "another master" 60 another "$pid"
	# 8 clients: each may lose a running request, and one that waited in the queue.
	load_ends "kill -9 of the master, $1" 16
	[ "$(show NRestarts)" -ge 1 ] || fail "it was not restarted"
}

# A request of 2 s must finish while systemctl reloads, restarts or stops the service.
slow() {
	settings "$delay"
	inside systemctl restart narwhal.service
	during "reload" inside systemctl reload narwhal.service
	during "restart" inside systemctl restart narwhal.service
	stops "stop"
	settings
}

# stops WHAT: stops the service while a request of 2 s runs. The request must finish, and
# systemd must not kill a process: the service's result would not tell that.
stops() {
	local id
	id=$(show InvocationID)
	during "$1" inside systemctl stop narwhal.service
	[ "$(show Result)" = success ] || fail "$1: result $(show Result)"
	inside journalctl -b --no-pager -o cat "INVOCATION_ID=$id" >"$mine/journal"
	grep -q 'Deactivated successfully' "$mine/journal" || fail "$1: the journal says nothing of it"
	! grep 'with signal SIGKILL' "$mine/journal" || fail "$1: systemd killed processes"
}

# A boot that takes longer than TimeoutStartSec. The workers get STOP while they load prose,
# which takes some tenths of a second. If they are ready before that, the service is started
# again.
slow_boot() {
	local slow=() try
	[ ${#model[@]} -gt 0 ] || slow=('model = "prose"')
	settings "${slow[@]}"
	dropin TimeoutStartSec=2s
	for try in $(seq 20); do
		inside systemctl start --no-block narwhal.service
		inside bash -c "until pkill -STOP -f '^narwhal: worker'; do :; done"
		[ "$(show ActiveState)" = active ] || break
		[ "$try" != 20 ] || fail "the workers were ready before they could be stopped"
		inside pkill -CONT -f '^narwhal: worker'
		inside systemctl stop narwhal.service
	done
	sleep 5
	[ "$(show ActiveState)" = activating ] || fail "a boot of 5 s with TimeoutStartSec=2s is $(show ActiveState)"
	inside pkill -CONT -f '^narwhal: worker'
	await "the service, whose boot was slow" 60 generation 1
	answers || fail "nobody answers after a slow boot"
	ok "a boot of 5 s with TimeoutStartSec=2s"
	inside systemctl stop narwhal.service
	settings
	dropin
}

# The watchdog leaves a working master alone, and replaces one that hangs. The same is true
# of a master that has taken over in an upgrade.
watchdog() {
	dropin WatchdogSec=3s TimeoutAbortSec=1s
	inside systemctl start narwhal.service
	local pid who
	for who in "a master" "a master after an upgrade"; do
		[ "$who" = "a master" ] || upgraded_by inside narwhal upgrade
		pid=$(show MainPID)
		# For more than twice WatchdogSec the master tells systemd that it lives.
		await "signs of life" 60 lived "$(($(show WatchdogTimestampMonotonic) + 7000000))"
		[ "$(show MainPID)" = "$pid" ] || fail "the watchdog bit $who that lives"
		inside kill -STOP "$pid"
		await "another master" 60 another "$pid"
		ok "$who that hangs is replaced by the watchdog"
	done
	inside systemctl stop narwhal.service
	dropin
}

# lived reports whether the last sign of life came at that time, in microseconds, or later.
lived() { [ "$(show WatchdogTimestampMonotonic)" -ge "$1" ]; }

socket() {
	inside systemctl start narwhal.socket
	[ "$(show ActiveState)" = inactive ] || fail "the socket unit started the service unasked"
	answers || fail "the first request did not start the service"
	ok "the first request starts the service"
	restart "socket unit"
	crash "socket unit"
	load_begins
	upgraded_by inside narwhal upgrade
	upgraded_by inside narwhal upgrade
	load_ends "2 upgrades, socket unit" 0
	restart "socket unit, after an upgrade"
	upgraded_by inside narwhal upgrade
	crash "socket unit, after an upgrade"
	inside systemctl stop narwhal.socket narwhal.service
}
