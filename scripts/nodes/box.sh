#!/bin/bash
# Runs nodes: containers that are like machines of their own, with their own processes,
# network and cgroups, in which a container engine can run. For tests with several
# machines. Run it as root:
#
#   box.sh check             check whether this machine can run nodes; print the reason if not
#   box.sh fetch             download the container engine that nodes have, unless it is here
#   box.sh up SET SHARE NODE…  start nodes of a set; the folder SHARE is /share in each
#   box.sh in SET NODE COMMAND…  run a command in a node
#   box.sh kill SET NODE     end a node at once, as if its power failed
#   box.sh down SET          end all nodes of a set, and remove what they wrote
#   box.sh sweep             the same for sets whose test has ended without down
#   box.sh left SET          print what a set has left on this machine
#
# The / of a node is a copy-on-write view of this machine's /, with Debian's container
# engine beside it, which is downloaded once and not installed. All that nodes write is in
# memory. The nodes of a set are in one network, 10.99.0.0/24: the first one has 10.99.0.1.
# No other machine can be reached. A set is named after the process ID of its test.
set -euo pipefail

cache=${XDG_CACHE_HOME:-/var/cache}/narwhal-nodes
packages="docker.io containerd runc iptables containernetworking-plugins tini"
controllers="cpu cpuacct cpuset memory devices freezer blkio pids systemd"

die() { echo "box.sh: $*" >&2; exit 1; }

# cannot exits with 77: the machine lacks something. Other failures exit with 1.
cannot() { echo "box.sh: no nodes can be run here: $*" >&2; exit 77; }

# group prints the folder of a node's cgroup of a version 1 controller.
group() {
	local base
	base=$(awk -F: -v c="$1" '$2 == c || $2 == "name=" c { print $3 }' /proc/self/cgroup)
	echo "/sys/fs/cgroup/$1${base%/}/narwhal-nodes-$2-$3"
}

check() {
	[ "$(id -u)" = 0 ] || cannot "this needs root"
	local tool c
	for tool in unshare:util-linux pgrep:procps ip:iproute2 dpkg:dpkg; do
		command -v "${tool%:*}" >/dev/null || cannot "${tool%:*} is missing: apt-get install ${tool#*:}"
	done
	grep -q 'VERSION_ID="12"' /etc/os-release || cannot "it is for Debian 12"
	for c in $controllers; do
		[ -d "/sys/fs/cgroup/$c" ] || cannot "there is no cgroup version 1 with the controller $c"
	done
	grep -qw overlay /proc/filesystems || cannot "the kernel has no overlay file system"
}

# layer downloads the packages, with what they need and this machine does not have.
layer() {
	[ -e "$cache/layer/.complete" ] && return
	local new=$cache/new-$$ deb dir
	rm -rf "$new" && mkdir -p "$new/debs" "$new/root"
	(
		cd "$new/debs"
		apt-get install -s --no-install-recommends $packages >list 2>/dev/null || { apt-get update -qq && apt-get install -s --no-install-recommends $packages >list; }
		apt-get -qq -o APT::Sandbox::User=root download $(awk '/^Inst/ { print $2 }' list | sort -u)
	)
	for deb in "$new"/debs/*.deb; do dpkg -x "$deb" "$new/root"; done
	# On Debian 12 /lib is a link to /usr/lib. A folder /lib here would hide it.
	for dir in lib bin sbin lib64; do
		[ -d "$new/root/$dir" ] && [ ! -L "$new/root/$dir" ] || continue
		mkdir -p "$new/root/usr/$dir" && cp -a "$new/root/$dir/." "$new/root/usr/$dir/" && rm -r "${new:?}/root/$dir"
	done
	rm -rf "$new/root/usr/share/doc" "$new/root/usr/share/man"
	# Debian makes these links when the package is installed.
	for dir in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
		ln -sf xtables-nft-multi "$new/root/usr/sbin/$dir"
	done
	touch "$new/root/.complete"
	mv -T "$new/root" "$cache/layer" 2>/dev/null || true # another run may have been faster
	rm -rf "$new"
	[ -e "$cache/layer/.complete" ] || die "$cache/layer is not complete: remove it and try again"
}

# init prints the process ID that a node's PID 1 has outside. It is the child of unshare.
init() { [ ! -e "$state/$1/pid" ] || pgrep -P "$(cat "$state/$1/pid")" 2>/dev/null | head -1 || true; }

up() {
	local share=$1 node c g pid i n=0 first=
	shift
	check
	layer
	[ ! -e "$state" ] || die "$state exists: box.sh down $set first"
	mkdir "$state"
	mount -t tmpfs -o mode=755 tmpfs "$state" || { rmdir "$state" && cannot "a tmpfs cannot be mounted"; }
	# overlayfs refuses a layer that is inside another one, so the packages are copied.
	cp -a "$cache/layer" "$state/layer"
	for node; do
		n=$((n + 1))
		mkdir -p "$state/$node/upper" "$state/$node/work" "$state/$node/root"
		mount -t overlay -o "lowerdir=$state/layer:/,upperdir=$state/$node/upper,workdir=$state/$node/work" overlay "$state/$node/root" || cannot "an overlay cannot be mounted"
		rm -f "$state/$node/root/etc/resolv.conf"
		echo "127.0.0.1 localhost" >"$state/$node/root/etc/hosts"
		: >"$state/$node/root/etc/resolv.conf"
		(
			for c in $controllers; do
				g=$(group "$c" "$set" "$node")
				mkdir -p "$g"
				[ "$c" != cpuset ] || { cat "$g/../cpuset.cpus" >"$g/cpuset.cpus" && cat "$g/../cpuset.mems" >"$g/cpuset.mems"; }
				echo $BASHPID >"$g/cgroup.procs"
			done
			echo $BASHPID >"$state/$node/pid"
			exec setsid unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child=SIGKILL --propagation private \
				bash -euc "$inside" node "$state/$node/root" "$node" "$share" "$controllers"
		) </dev/null >"$state/$node/log" 2>&1 &
		for i in $(seq 100); do
			sleep 0.1
			(enter "$node" test -e /run/node) 2>/dev/null && break
			[ "$i" != 100 ] || { cat "$state/$node/log" >&2; die "the node $node did not come up"; }
		done
		pid=$(init "$node")
		if [ -z "$first" ]; then
			first=$pid
			nsenter -t "$first" -n ip link add n0 type bridge
			nsenter -t "$first" -n ip addr add 10.99.0.1/24 dev n0
			nsenter -t "$first" -n ip link set n0 up
		else
			nsenter -t "$first" -n ip link add "v$n" type veth peer name n0 netns "$pid"
			nsenter -t "$first" -n ip link set "v$n" master n0 up
			nsenter -t "$pid" -n ip addr add "10.99.0.$n/24" dev n0
			nsenter -t "$pid" -n ip link set n0 up
		fi
		# Engines take the address of the default route for their own. Nobody has .254.
		nsenter -t "$pid" -n ip route add default via 10.99.0.254 dev n0
	done
}

# inside runs as the PID 1 of a node. It changes to the node's / and becomes tini.
inside='
root=$1 name=$2 share=$3 controllers=$4
hostname "$name"
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
for c in $controllers; do
	mkdir "sys/fs/cgroup/$c"
	o=$c
	[ "$c" != systemd ] || o=none,name=systemd
	mount -t cgroup -o "$o" cgroup "sys/fs/cgroup/$c"
done
mount -t tmpfs -o mode=755 tmpfs dev
mkdir -p dev/pts dev/shm dev/mqueue
for n in null zero full random urandom tty fuse; do
	[ -e "/dev/$n" ] || continue
	touch "dev/$n" && mount --bind "/dev/$n" "dev/$n"
done
touch dev/kmsg && mount --bind /dev/null dev/kmsg
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for d in docker containerd kubelet etcd; do
	mkdir -p "var/lib/$d" && mount -t tmpfs tmpfs "var/lib/$d"
done
mkdir -p share mnt/old
mount --bind "$share" share
ip link set lo up
pivot_root . mnt/old
umount -l /mnt/old
mount --make-rshared /
touch /run/node
exec /usr/bin/tini -s -- sleep infinity
'

# enter runs a command in a node, and in its cgroups. It does not use /usr/local, which has
# programs of this machine.
enter() {
	local pid node=$1
	shift
	pid=$(init "$node")
	[ -n "$pid" ] || die "the node $node does not run"
	exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd \
		env -i HOME=/root TERM=dumb PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin DOCKER_HOST=unix:///run/docker.sock \
		sh -c 'for c in /sys/fs/cgroup/*; do echo $$ >"$c/cgroup.procs"; done; exec "$@"' in "$@"
}

# end kills a node and waits until all its processes are gone.
end() {
	local pid first node=$1 i
	pid=$(cat "$state/$node/pid" 2>/dev/null) || return 0
	first=$(init "$node")
	kill -9 "$pid" 2>/dev/null || true
	for i in $(seq 100); do
		[ -n "$first" ] && [ -e "/proc/$first" ] || break
		sleep 0.1
	done
	rm -f "$state/$node/pid"
}

down() {
	local node c g i
	[ -e "$state" ] || return 0
	for node in $(ls "$state"); do
		[ "$node" != layer ] && [ -d "$state/$node/root" ] || continue
		end "$node"
		umount -l "$state/$node/root" 2>/dev/null || true
		for c in $controllers; do
			g=$(group "$c" "$set" "$node")
			for i in 1 2 3 4 5 6 7 8 9 10; do # the last process may still be leaving
				[ -d "$g" ] || break
				find "$g" -depth -type d -exec rmdir {} \; 2>/dev/null || true
				[ -d "$g" ] && sleep 0.2
			done
		done
	done
	umount -l "$state" 2>/dev/null || true
	rmdir "$state"
}

# left prints the mounts and the cgroups of a set. Each process of a node is in one of the cgroups.
left() {
	[ ! -e "$state" ] || echo "$state"
	grep -w "narwhal-nodes-$set" /proc/self/mountinfo || true
	find /sys/fs/cgroup -name "narwhal-nodes-$set-*" 2>/dev/null || true
}

sweep() {
	local left
	for left in /run/narwhal-nodes-*; do
		set=${left#/run/narwhal-nodes-}
		[ -d "$left" ] && [ ! -e "/proc/$set" ] || continue
		echo "box.sh: removing the nodes of the test $set, which has ended without doing so" >&2
		state=$left
		down
	done
}

verb=$1 set=${2:-}
state=/run/narwhal-nodes-$set
case $verb in
check) check ;;
fetch) layer ;;
sweep) sweep ;;
up) shift 2 && up "$@" ;;
in) shift 2 && enter "$@" ;;
kill) end "$3" ;;
down) down ;;
left) left ;;
*) die "want check, fetch, up, in, kill, down, sweep or left" ;;
esac
