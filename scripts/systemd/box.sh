#!/bin/bash
# Runs a container with a real systemd as its PID 1, for test.sh. Run it as root:
#
#   box.sh check any          check whether this machine can run one; print the reason if not
#   box.sh up NAME 252|254    boot one; its / is a copy-on-write view of this machine's /
#   box.sh in NAME COMMAND…   run a command inside
#   box.sh down NAME          halt it, and remove what it wrote
#
# 252 is Debian 12's own systemd. 254 comes from bookworm-backports. It is downloaded once,
# and replaces the files of 252 inside. All that is written inside is kept in memory. The
# container has a network of its own, so its ports do not conflict with others.
set -euo pipefail

cache=${XDG_CACHE_HOME:-/var/cache}/narwhal-systemd
state=/run/narwhal-box-$2

die() { echo "box.sh: $*" >&2; exit 1; }

# cannot exits with 77: the machine lacks something. Other failures exit with 1.
cannot() { echo "box.sh: no systemd can be booted here: $*" >&2; exit 77; }

cgroup2() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# init prints the pid that the container's PID 1 has outside. It is the first child of
# nspawn.
init() { pgrep -P "$(cat "$state/nspawn.pid")" 2>/dev/null | head -1; }

enter() {
	local pid
	pid=$(init) || die "it does not run"
	nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd \
		env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin "$@"
}

check() {
	[ "$(id -u)" = 0 ] || cannot "this needs root"
	[ -n "$(cgroup2)" ] || cannot "no cgroup2 file system is mounted, and systemd needs one"
	local tool
	for tool in systemd-nspawn:systemd-container dbus-daemon:dbus pgrep:procps curl:curl; do
		command -v "${tool%:*}" >/dev/null || cannot "${tool%:*} is missing: apt-get install ${tool#*:}"
	done
	unshare --user true 2>/dev/null || cannot "no user namespace can be made (this is a chroot, or user.max_user_namespaces is 0), and the unit wants one (PrivateUsers=)"
	systemctl --version | grep -q '^systemd 252' || cannot "it is for Debian 12, whose systemd is 252; this one is $(systemctl --version | head -1)"
}

# backports downloads systemd 254. It uses lists and folders of its own, so that this
# machine's apt does not change.
backports() {
	[ -e "$cache/254/usr/lib/systemd/systemd" ] && return
	local new=$cache/new-$$ site
	rm -rf "$new" && mkdir -p "$new/lists/partial" "$new/debs" "$new/root"
	site=$(apt-get indextargets --format '$(SITE) $(RELEASE)' | awk '$2 == "bookworm" { print $1; exit }')
	[ -n "$site" ] || cannot "apt knows no bookworm, whose backports have 254"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site bookworm-backports main" >"$new/sources"
	local apt="apt-get -qq -o Dir::Etc::SourceList=$new/sources -o Dir::Etc::SourceParts=/dev/null
		-o Dir::State::Lists=$new/lists -o Dir::Cache=$new -o APT::Sandbox::User=root"
	$apt update
	(cd "$new/debs" && $apt download systemd systemd-dev libsystemd-shared libsystemd0 libudev1 systemd-sysv libpam-systemd)
	local deb dir
	for deb in "$new"/debs/*.deb; do dpkg-deb -x "$deb" "$new/root"; done
	# On Debian 12 /lib is a link to /usr/lib. A folder /lib here would hide it.
	for dir in lib bin sbin; do
		[ -d "$new/root/$dir" ] || continue
		mkdir -p "$new/root/usr/$dir" && cp -a "$new/root/$dir/." "$new/root/usr/$dir/" && rm -r "${new:?}/root/$dir"
	done
	mv -T "$new/root" "$cache/254" 2>/dev/null || true # another run may have been faster
	rm -rf "$new"
	[ -e "$cache/254/usr/lib/systemd/systemd" ] || die "$cache/254 has no systemd: remove it and try again"
}

up() {
	local name=$1 version=$2 lower=/
	check
	[ ! -e "$state" ] || die "$state exists: box.sh down $name first"
	[ "$version" = 252 ] || backports
	mkdir "$state"
	mount -t tmpfs -o mode=755 tmpfs "$state" || { rmdir "$state" && cannot "a tmpfs cannot be mounted"; }
	mkdir "$state/upper" "$state/work" "$state/root"
	if [ "$version" = 254 ]; then # overlayfs refuses a layer that is inside another one
		cp -a "$cache/254" "$state/254"
		lower=$state/254:/
	fi
	mount -t overlay -o "lowerdir=$lower,upperdir=$state/upper,workdir=$state/work" overlay "$state/root" || cannot "an overlay cannot be mounted"
	mkdir -p "$state/root/etc/systemd/system"
	: >"$state/root/etc/machine-id"
	# Boot a target of our own, so that no service starts that this machine has enabled.
	cat >"$state/root/etc/systemd/system/box.target" <<-END
		[Unit]
		Requires=basic.target dbus.socket
		After=basic.target dbus.socket
		AllowIsolate=yes
	END
	# Each container gets a cgroup of its own, because each makes a payload/ in it.
	local group
	group=$(cgroup2)/narwhal-box-$name
	mkdir -p "$group"
	(
		echo $BASHPID >"$group/cgroup.procs"
		echo $BASHPID >"$state/nspawn.pid"
		# cgroup version 1 may be mounted, too, but new versions of systemd do not support it.
		UNIFIED_CGROUP_HIERARCHY=1 exec setsid systemd-nspawn -q -D "$state/root" -M "narwhal-box-$name" --register=no --keep-unit \
			--private-network --console=pipe --resolv-conf=off --timezone=off --link-journal=no -b -- systemd.unit=box.target
	) </dev/null >"$state/log" 2>&1 &
	local i
	for i in $(seq 600); do
		sleep 0.1
		[ "$(enter systemctl is-system-running 2>/dev/null)" = running ] && return
		kill -0 "$(cat "$state/nspawn.pid" 2>/dev/null)" 2>/dev/null || [ "$i" -lt 10 ] || break
	done
	cat "$state/log" >&2
	cannot "systemd $version did not come up"
}

down() {
	local pid i group
	[ -e "$state" ] || return 0
	if pid=$(cat "$state/nspawn.pid" 2>/dev/null) && kill "$pid" 2>/dev/null; then
		for i in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
		kill -9 "$pid" 2>/dev/null || true
	fi
	umount -l "$state/root" "$state" 2>/dev/null || true
	rmdir "$state"
	for group in "$(cgroup2)/narwhal-box-$1" "/sys/fs/cgroup/systemd/narwhal-box-$1"; do
		[ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}

case $1 in
check) check ;;
up) up "$2" "$3" ;;
in) shift 2 && enter "$@" ;;
down) down "$2" ;;
*) die "want check, up, in or down" ;;
esac
