conf=/etc/systemd/system/narwhal.service.d/252.conf

# A systemd before 253 needs a drop-in, because it has no Type=notify-reload. A later one
# does not. A file that the administrator has put there stays.
dropin() {
	version=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
	if [ -n "$version" ] && [ "$version" -lt 253 ]; then
		if [ ! -e "$conf" ]; then
			mkdir -p "${conf%/*}"
			ln -sf /usr/share/narwhal/narwhal-252.conf "$conf"
		fi
	else
		remove_dropin
	fi
}

remove_dropin() {
	if [ -L "$conf" ]; then
		rm -f "$conf"
		rmdir --ignore-fail-on-non-empty "${conf%/*}"
	fi
}

# upgrade replaces the program of the running service without losing a request. The old
# program goes on until the new one serves, and also if the new one cannot start. The
# installation succeeds all the same. The service may be stopped, and stays so.
upgrade() {
	systemctl is-active --quiet narwhal.service || return 0
	main=$(systemctl show -p MainPID --value narwhal.service)
	# narwhal upgrade waits for the outcome. A service whose settings name another control
	# socket, or none, gets the signal.
	for socket in /run/narwhal/*.sock; do
		if [ -S "$socket" ] && narwhal status --json --control-socket "$socket" 2>/dev/null | grep -q "^  \"pid\": $main,"; then
			narwhal upgrade --control-socket "$socket" || echo "narwhal: the old program goes on; see journalctl -u narwhal, then: systemctl restart narwhal" >&2
			return 0
		fi
	done
	systemctl kill --kill-whom=main -s USR2 narwhal.service || echo "narwhal: the old program goes on until: systemctl restart narwhal" >&2
}
