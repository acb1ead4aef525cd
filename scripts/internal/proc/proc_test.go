package proc

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("7 (a) b) (c) S 3 7 7 0 -1 4194560 100 0 0 0 150 50 20 10 20 0 1 0 100")
	if want := (stat{"S", 3, 2300 * time.Millisecond}); err != nil || got != want {
		t.Errorf("parseStat = %v, %v, want %v", got, err, want)
	}
	if got, err := parseStolen("cpu  10 0 20 30 40 0 50 123 0 0\ncpu0 1 2 3\n"); err != nil || got != 1230*time.Millisecond {
		t.Errorf("parseStolen = %v, %v, want 1.23 s", got, err)
	}
	if _, err := parseStolen("intr 1 2 3"); err == nil {
		t.Error("parseStolen takes a line that is not cpu")
	}
	if _, err := parseStat("7 (a) S 3"); err == nil {
		t.Error("a short line was taken")
	}
}

func TestTree(t *testing.T) {
	if pids := Tree(os.Getppid()); pids[0] != os.Getppid() || !slices.Contains(pids, os.Getpid()) {
		t.Errorf("tree of the parent = %v, want %d first and %d in it", pids, os.Getppid(), os.Getpid())
	}
	// A child that has ended is not in the tree, although nobody has waited for it yet.
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	if err := AwaitExit(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if pids := Tree(os.Getpid()); slices.Contains(pids, cmd.Process.Pid) {
		t.Errorf("tree = %v, has %d, which is dead", pids, cmd.Process.Pid)
	}
}

func TestUsage(t *testing.T) {
	own, err := PSS(os.Getpid())
	if err != nil || own < 1<<20 {
		t.Errorf("PSS of this process = %d, %v, want at least 1 MiB", own, err)
	}
	const nobody = 1 << 30 // above the largest number a process can have
	if n, err := PSS(nobody); n != 0 || err != nil {
		t.Errorf("PSS of a process that has ended = %d, %v, want 0", n, err)
	}
	before, err := Descriptors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := Descriptors(os.Getpid()); n != before+1 || err != nil {
		t.Errorf("with one more file open: %d descriptors, %v, want %d", n, err, before+1)
	}
	if _, err := Descriptors(nobody); err == nil {
		t.Error("Descriptors of a process that has ended gives no error")
	}
}

// Stop ends a process that obeys TERM, one that does not, and the processes that either
// leaves behind.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		name, script string
		patience     time.Duration
		want         string
	}{
		{"obeys", "trap 'exit 0' TERM; sleep 600 & echo $!; wait", time.Minute, "<nil>"},
		{"fails", "trap 'exit 3' TERM; sleep 600 & echo $!; wait", time.Minute, "exit status 3"},
		{"does not obey", "trap '' TERM; sleep 600 & echo $!; wait", time.Millisecond, "signal: killed"},
	} {
		cmd := exec.Command("sh", "-c", c.script)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = w
		p, err := Start(cmd)
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(r)
		if _, err := out.ReadString('\n'); err != nil { // the trap is set
			t.Fatal(err)
		}
		got := "<nil>"
		if err := p.Stop(c.patience); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: Stop = %s, want %s", c.name, got, c.want)
		}
		if _, err := out.ReadByte(); err == nil { // EOF when sleep has ended, too
			t.Errorf("%s: more output than a line", c.name)
		}
		r.Close()
		if err := p.Signal(syscall.SIGTERM); err != os.ErrProcessDone {
			t.Errorf("%s: a signal after the end: %v", c.name, err)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("NARWHAL_WORKERS", "3")
	t.Setenv("PORT", "80")
	t.Setenv("PORTS", "stays")
	env := Environ()
	for _, kv := range env {
		if strings.HasPrefix(kv, "NARWHAL_") || strings.HasPrefix(kv, "PORT=") {
			t.Errorf("%s is still there", kv)
		}
	}
	if !slices.Contains(env, "PORTS=stays") {
		t.Error("PORTS is gone")
	}
}

func TestTalk(t *testing.T) {
	talk, err := StartTalk(exec.Command("sh", "-c", `echo hello; while read -r line; do echo "<$line>"; done`))
	if err != nil {
		t.Fatal(err)
	}
	defer talk.Kill()
	if got, err := talk.Read(); got != "hello" || err != nil {
		t.Errorf("Read = %q, %v, want hello", got, err)
	}
	if got, err := talk.Ask("a b"); got != "<a b>" || err != nil {
		t.Errorf("Ask = %q, %v, want <a b>", got, err)
	}
}
