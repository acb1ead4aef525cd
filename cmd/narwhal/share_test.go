package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// All workers, those after a reload too, read their weights from one memory, which
// none of them can write to.
func TestWorkersShareWeights(t *testing.T) {
	model, err := filepath.Abs("../../models/en_core_web_sm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(model); err != nil {
		t.Fatalf("%v: go run ./scripts/embedmodel gets it", err)
	}
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "-w", "3", "--model", model, "--log-level", "info")
	var first, second string
	eventually(t, "three workers that share their weights", func() bool {
		first = sharedBy(t, s, 3)
		return first != ""
	})
	s.signal(syscall.SIGHUP)
	eventually(t, "three successors that share theirs", func() bool {
		second = sharedBy(t, s, 3)
		return second != "" && second != first
	})
	if want := `{"Angela Merkel":"PERSON","Hamburg":"GPE"}`; s.ask(merkel) != "200 "+want {
		t.Errorf("answer %s, want %s", s.ask(merkel), want)
	}
	if strings.Contains(s.logged(), "weights of its own") {
		t.Errorf("a worker did not share:\n%s", s.logged())
	}
}

var sharedLine = regexp.MustCompile(`(?m)^\S+ (\S+) \S+ \S+ (\d+) +/memfd:narwhal-share`)

// sharedBy gives the inode of the memory if there are n workers and all map it.
func sharedBy(t *testing.T, s *served, n int) (inode string) {
	t.Helper()
	children := workersOf(t, s)
	for _, pid := range children {
		m := sharedLine.FindStringSubmatch(mapsOf(pid))
		if m == nil || inode != "" && inode != m[2] {
			return ""
		}
		if m[1] != "r--p" {
			t.Fatalf("the shared memory is mapped as %s, want r--p", m[1])
		}
		inode = m[2]
	}
	if len(children) != n {
		return ""
	}
	return inode
}

func workersOf(t *testing.T, s *served) (pids []string) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		b, _ := os.ReadFile(l) // a thread that has just ended has no children
		pids = append(pids, strings.Fields(string(b))...)
	}
	return pids
}

func mapsOf(pid string) string {
	b, _ := os.ReadFile("/proc/" + pid + "/maps") // empty once it has ended
	return string(b)
}
