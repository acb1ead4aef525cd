# The checks of test.sh of a service whose program is upgraded while it runs. The old master
# tells systemd that the new one is the main process. If that fails, the next stop kills
# requests, or systemd restarts the service when the old master ends (NRestarts).

# upgraded_by COMMAND… runs a command that upgrades the program. Then systemd must have
# another main process, which runs the file on disk, and the service must be active.
upgraded_by() {
	local pid
	pid=$(show MainPID)
	"$@"
	# narwhal upgrade returns when systemd knows the new master. After a signal, wait.
	[ "$*" = "inside narwhal upgrade" ] || await "another main process" 60 another "$pid"
	another "$pid" || fail "$* returned and the main process is $(show MainPID), it was $pid; $(status)"
	await "the old master's end" 60 gone "$pid"
	[ "$(inside readlink "/proc/$(show MainPID)/exe")" = /usr/bin/narwhal ] || fail "the new master does not run the file on the disk"
	[ "$(show ActiveState)" = active ] || fail "the service is $(show ActiveState) after an upgrade"
}
gone() { ! inside test -e "/proc/$1"; }
usr2() { inside systemctl kill --kill-whom=main -s USR2 narwhal.service; }

unrestarted() { [ "$(show NRestarts)" = 0 ] || fail "$1: systemd restarted the service $(show NRestarts) times"; }

upgrades() {
	inside systemctl start narwhal.service
	load_begins
	local n rounds=6
	[ "$version" = 254 ] || rounds=2
	for n in $(seq $rounds); do
		package
		upgraded_by usr2
		package
		upgraded_by inside narwhal upgrade
	done
	load_ends "$((2 * rounds)) upgrades, the file replaced each time" 0
	unrestarted "upgrades"
	leaks
}

upgrade_fails() {
	load_begins
	local pid n
	pid=$(show MainPID)
	printf '#!/bin/sh\nexit 1\n' >"$root/usr/bin/broken" && chmod 755 "$root/usr/bin/broken"
	mv "$root/usr/bin/broken" "$root/usr/bin/narwhal"
	inside narwhal upgrade >"$mine/upgrade" 2>&1 && fail "narwhal upgrade to a broken program returns 0: $(cat "$mine/upgrade")"
	usr2
	await "the failure of the upgrade in the journal" 60 upgrades_failed 2
	rm "$root/usr/bin/narwhal"
	usr2
	await "the refusal of the upgrade in the journal" 60 upgrades_refused 1
	load_ends "3 upgrades to what is broken or missing" 0
	[ "$(show MainPID)" = "$pid" ] && [ "$(show ActiveState)" = active ] || fail "the old master went away with an upgrade that failed"
	unrestarted "upgrades that fail"
	ok "a broken program: $(head -1 "$mine/upgrade")"
	package
	upgraded_by usr2
}
upgrades_failed() { [ "$(inside journalctl -b --no-pager -o cat -u narwhal.service | grep -c 'upgrade failed; the old master goes on')" = "$1" ]; }
upgrades_refused() { [ "$(inside journalctl -b --no-pager -o cat -u narwhal.service | grep -c 'upgrade refused; this master goes on')" = "$1" ]; }

# A request of 2 s must finish during an upgrade, and while systemctl reloads, restarts or
# stops the service after it. (systemd does not wait for a main process that is not its
# child.)
upgraded_slow() {
	settings "$delay"
	inside systemctl restart narwhal.service
	package
	during "upgrade by USR2" upgraded_by usr2
	package
	during "narwhal upgrade" upgraded_by inside narwhal upgrade
	during "reload after an upgrade" inside systemctl reload narwhal.service
	await "generation 2" 60 generation 2
	during "restart after an upgrade" inside systemctl restart narwhal.service
	upgraded_by usr2
	stops "stop after an upgrade"
	unrestarted "upgrades of a slow service"
	settings
}

# After an upgrade systemd still stores the socket that the new master has inherited.
upgraded_store() {
	inside systemctl start narwhal.service
	upgraded_by inside narwhal upgrade
	[ "$version" = 252 ] || [ "$(show NFileDescriptorStore)" = 1 ] || fail "after an upgrade the store holds $(show NFileDescriptorStore) sockets"
	restart "FDSTORE, after an upgrade"
	upgraded_by inside narwhal upgrade
	crash "FDSTORE, after an upgrade"
	inside systemctl stop narwhal.service
}
