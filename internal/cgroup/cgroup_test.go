package cgroup

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/cgroup/cgrouptest"
)

// system is a file system of files. Each is: path, newline, content. Files are
// separated by a line of dashes.
func system(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for part := range strings.SplitSeq(text, "----\n") {
		name, content, _ := strings.Cut(strings.TrimLeft(part, "\n"), "\n")
		fsys[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

// Lines in the forms that Docker, Kubernetes and systemd make, written by hand.
const (
	mountV2 = `/proc/self/mountinfo
21 1 0:20 / /proc rw,nosuid - proc proc rw
30 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`
	mountV1 = `/proc/self/mountinfo
25 0 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime master:15 - cgroup cgroup rw,cpu,cpuacct
34 25 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 25 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 25 0:33 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, files string
		want        Limits
	}{
		{"a container with version 2 and a namespace of its own", `/proc/self/cgroup
0::/
----
` + mountV2 + `----
/sys/fs/cgroup/cpu.max
150000 100000
----
/sys/fs/cgroup/memory.max
536870912
`, Limits{Quota: 1.5, QuotaFile: "/sys/fs/cgroup/cpu.max", Memory: 512 << 20, MemoryFile: "/sys/fs/cgroup/memory.max"}},

		{"a unit of systemd, version 2: the smallest limit is that of the slice", `/proc/self/cgroup
0::/web.slice/narwhal.service
----
` + mountV2 + `----
/sys/fs/cgroup/web.slice/cpu.max
50000 100000
----
/sys/fs/cgroup/web.slice/memory.max
max
----
/sys/fs/cgroup/web.slice/memory.high
268435456
----
/sys/fs/cgroup/web.slice/narwhal.service/cpu.max
400000 100000
----
/sys/fs/cgroup/web.slice/narwhal.service/memory.max
1073741824
----
/sys/fs/cgroup/web.slice/narwhal.service/memory.high
max
`, Limits{Quota: 0.5, QuotaFile: "/sys/fs/cgroup/web.slice/cpu.max", Memory: 256 << 20, MemoryFile: "/sys/fs/cgroup/web.slice/memory.high"}},

		{"version 2 without limits", `/proc/self/cgroup
0::/user.slice
----
` + mountV2 + `----
/sys/fs/cgroup/user.slice/cpu.max
max 100000
----
/sys/fs/cgroup/user.slice/memory.max
max
`, Limits{}},

		{"a container of Docker, version 1: its group is the root of the mount", `/proc/self/cgroup
4:memory:/docker/3f0c
3:cpu,cpuacct:/docker/3f0c
1:name=systemd:/docker/3f0c
0::/docker/3f0c
----
/proc/self/mountinfo
33 25 0:30 /docker/3f0c /sys/fs/cgroup/cpu,cpuacct ro,relatime master:15 - cgroup cgroup rw,cpu,cpuacct
35 25 0:32 /docker/3f0c /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory
----
/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us
200000
----
/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us
100000
----
/sys/fs/cgroup/memory/memory.limit_in_bytes
134217728
`, Limits{Quota: 2, QuotaFile: "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", Memory: 128 << 20, MemoryFile: "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},

		{"version 1, nested: each limit is in another group", `/proc/self/cgroup
4:memory:/a/b
3:cpu,cpuacct:/a/b
0::/
----
` + mountV1 + `----
/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us
100000
----
/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us
50000
----
/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us
-1
----
/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us
100000
----
/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us
-1
----
/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us
100000
----
/sys/fs/cgroup/memory/memory.limit_in_bytes
9223372036854771712
----
/sys/fs/cgroup/memory/a/memory.limit_in_bytes
9223372036854771712
----
/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes
1000000000
`, Limits{Quota: 2, QuotaFile: "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", Memory: 1e9, MemoryFile: "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes"}},

		{"both versions: version 1 has memory, version 2 processors", `/proc/self/cgroup
4:memory:/m
0::/c
----
/proc/self/mountinfo
35 25 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
36 25 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
----
/sys/fs/cgroup/unified/c/cpu.max
300000 100000
----
/sys/fs/cgroup/unified/c/memory.max
1
----
/sys/fs/cgroup/memory/m/memory.limit_in_bytes
77
`, Limits{Quota: 3, QuotaFile: "/sys/fs/cgroup/unified/c/cpu.max", Memory: 77, MemoryFile: "/sys/fs/cgroup/memory/m/memory.limit_in_bytes"}},

		{"a group outside of the namespace, and one that is not mounted", `/proc/self/cgroup
4:memory:/elsewhere/b
0::/../x
----
/proc/self/mountinfo
35 25 0:32 /else /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
36 25 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
----
/sys/fs/cgroup/memory/memory.limit_in_bytes
77
----
/sys/fs/cgroup/cpu.max
300000 100000
`, Limits{}},

		{"a mount's point with a space", `/proc/self/cgroup
0::/x
----
/proc/self/mountinfo
36 25 0:33 / /my\040groups rw - cgroup2 cgroup2 rw
----
/my groups/x/memory.max
99
`, Limits{Memory: 99, MemoryFile: "/my groups/x/memory.max"}},

		{"no groups", "/proc/self/cgroup\n----\n" + mountV2, Limits{}},
	} {
		got, err := read(system(c.files))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
}

// A file that cannot be understood is an error that names it. The other limits count.
func TestReadFails(t *testing.T) {
	const groups = "/proc/self/cgroup\n0::/x\n----\n" + mountV2 + "----\n/sys/fs/cgroup/memory.max\n99\n----\n/sys/fs/cgroup/x/"
	for files, want := range map[string]string{
		groups + "cpu.max\nhalf\n":     `/sys/fs/cgroup/x/cpu.max: "" of "" is not a quota`,
		groups + "cpu.max\nhalf 1\n":   `/sys/fs/cgroup/x/cpu.max: "half" of "1" is not a quota`,
		groups + "cpu.max\n1 0\n":      `/sys/fs/cgroup/x/cpu.max: "1" of "0" is not a quota`,
		groups + "memory.high\nlots\n": `/sys/fs/cgroup/x/memory.high: "lots" is not a number of bytes`,
	} {
		got, err := read(system(files))
		if err == nil || !strings.Contains(err.Error(), want) || got.Memory != 99 || got.Quota != 0 {
			t.Errorf("%q: %+v, %v; want the other limit, and %q", files[len(groups):], got, err, want)
		}
	}
	if _, err := read(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "read the groups of this process") {
		t.Errorf("without /proc: %v", err)
	}
}

func TestCores(t *testing.T) {
	for _, c := range []struct {
		processors int
		quota      float64
		want       int
	}{{8, 0, 8}, {8, 4, 4}, {8, 3.99, 3}, {8, 1.5, 1}, {8, 0.25, 1}, {2, 16, 2}, {1, 0, 1}, {0, 0, 1}} {
		if got := (Limits{Processors: c.processors, Quota: c.quota}).Cores(); got != c.want {
			t.Errorf("%d processors with a quota of %v: %d, want %d", c.processors, c.quota, got, c.want)
		}
	}
}

// readEnv makes this test binary a process that prints its limits for each line that it
// reads.
const readEnv = "NARWHAL_TEST_CGROUP"

func TestMain(m *testing.M) {
	if os.Getenv(readEnv) == "" {
		os.Exit(m.Run())
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		l, err := Read()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		json.NewEncoder(os.Stdout).Encode(l)
	}
}

// A process in a real group sees the limits of the group around its own, and each change
// of them.
func TestRealGroup(t *testing.T) {
	g := cgrouptest.Make(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), readEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	ask := func() (l Limits) {
		t.Helper()
		fmt.Fprintln(in)
		if !lines.Scan() {
			t.Fatal("the process in the group gives no answer")
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := ask()
	g.Join(cmd.Process.Pid)
	g.SetProcessors(0.75)
	g.SetMemory(64 << 20)
	if l := ask(); l.Quota != 0.75 || l.Memory != 64<<20 || l.Processors != before.Processors || l.Cores() != 1 ||
		!strings.Contains(l.QuotaFile, "narwhal-test") || strings.Contains(l.QuotaFile, "inner") || !strings.Contains(l.MemoryFile, "narwhal-test") {
		t.Errorf("in the group: %+v", l)
	}
	g.SetProcessors(1000)
	g.SetMemory(96 << 20)
	if l := ask(); l.Quota != before.Quota && l.Quota != 1000 || l.Memory != 96<<20 || l.Cores() != before.Cores() {
		t.Errorf("with larger limits: %+v, before %+v", l, before)
	}
}
