package supervisor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// If something is missing that every worker needs, the master says so once, before it
// binds an address, and says what to do.
func TestNeeds(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"mount -t tmpfs none /proc", "no worker could start: /proc is not mounted: a worker is this program again, found as /proc/self/exe: mount -t proc"},
		{"mount -t tmpfs none /dev", "no worker could start: /dev/null cannot be opened: it is the standard input of workers: mknod"},
	} {
		m := launchCommand(t, inMountNamespace(t, c.line), options(supervisor.Options{Workers: 2}, appSettings{}), func(*master) {})
		if code := m.wait(); code != 1 || m.count(c.want) != 1 || m.count("level=") != 0 { // status 3 comes from cmd/narwhal, not from the library
			t.Errorf("after %s it ended with %d:\n%s", c.line, code, m.log())
		}
	}
}

// inMountNamespace returns a command that runs a line of shell in a mount namespace of
// its own, and then becomes this test binary.
func inMountNamespace(t *testing.T, line string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--mount", "sh", "-c", line + ` && exec "$0"`, self}
	if os.Getuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	return exec.Command("unshare", args...)
}

// A limit of file sizes applies to the pid file, and to shared memory, too.
func TestFileSizeLimit(t *testing.T) {
	for _, pid := range []string{"", filepath.Join(t.TempDir(), "pid")} {
		m := launchFile(t, after(t, "ulimit -f 0"), options(supervisor.Options{Pid: pid}, appSettings{}))
		if code := m.wait(); code != 1 || m.count("file too large: raise the limit of file sizes (LimitFSIZE= in the unit, ulimit -f)") != 1 {
			t.Errorf("it ended with %d:\n%s", code, m.log())
		}
	}
}

// A container can forbid memfd_create. The master then ends with an error.
func TestNoMemfd(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"NARWHAL_TEST_NO_MEMFD=1"}
	m := launchCommand(t, cmd, options(supervisor.Options{}, appSettings{}), func(*master) {})
	if code := m.wait(); code != 1 || m.count("memfd_create: operation not permitted: master and workers share memory that way") != 1 {
		t.Errorf("it ended with %d:\n%s", code, m.log())
	}
}

// forbidMemfd makes memfd_create fail with EPERM in this process, as seccomp
// profiles do.
func forbidMemfd() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_MEMFD_CREATE, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// The user of the master has as many processes and threads as the limit allows. No
// worker can be started. The workers that run go on under load, although the Go
// runtime ends a program that needs another thread and cannot have it.
func TestNoMoreProcesses(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	if os.Getuid() == 0 { // root has no such limit
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	}
	m := launchCommand(t, cmd, options(supervisor.Options{Workers: 2}, appSettings{Work: work}), func(*master) {})
	m.await(logevent.ServiceReady.Text(), 1)
	workers := m.workers()
	limit := func(to string, pids ...int) {
		t.Helper()
		for _, pid := range pids {
			// A process may lower the limits of another of the same user.
			c := exec.Command("prlimit", "--pid", fmt.Sprint(pid), "--nproc="+to+":")
			c.SysProcAttr = cmd.SysProcAttr
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v: %s", c.Args, err, out)
			}
		}
	}
	before := soft(t, m.cmd.Process.Pid)
	limit("1", append(workers, m.cmd.Process.Pid)...)
	if err := syscall.Kill(workers[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.says(logevent.SpawnFailed.Text(), "TasksMax")
	for range 4 {
		askAll(t, m.addr, 100)
	}
	m.signal(syscall.SIGUSR1)
	limit(before, m.cmd.Process.Pid)
	m.await(logevent.SpawnWorks.Text(), 1)
	m.await(logevent.WorkerReady.Text(), 3)
	if n := m.count(logevent.WorkerDied.Text()); n != 1 {
		t.Errorf("%d workers died, and one was killed:\n%s", n, m.log())
	}
}

// soft returns a process's soft limit of processes, in the form that prlimit takes.
func soft(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Max processes"); ok {
			return strings.Fields(rest)[0]
		}
	}
	t.Fatal("/proc tells no limit of processes")
	return ""
}
