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

// All workers read their weights from one memory, which no worker can write to, and use
// one cache. After a reload the new workers share a memory and a cache in the same way.
func TestWorkersShareMemory(t *testing.T) {
	model, err := filepath.Abs("../../models/en_core_web_sm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(model); err != nil {
		t.Fatalf("%v: go run ./scripts/embedmodel gets it", err)
	}
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "-w", "3", "--model", model, "--log-level", "info")
	var first, second string
	eventually(t, "three workers that share their memory", func() bool {
		first = sharedBy(t, s, 3)
		return first != ""
	})
	s.signal(syscall.SIGHUP)
	eventually(t, "three successors that share theirs", func() bool {
		second = sharedBy(t, s, 3)
		return second != "" && second != first
	})
	for range 6 { // two for each worker
		if want := `{"Angela Merkel":"PERSON","Hamburg":"GPE"}`; s.ask(merkel) != "200 "+want {
			t.Errorf("answer %s, want %s", s.ask(merkel), want)
		}
	}
	if strings.Contains(s.logged(), "does not share memory") {
		t.Errorf("a worker did not share:\n%s", s.logged())
	}
}

var sharedLine = regexp.MustCompile(`(?m)^\S+ (\S+) \S+ \S+ (\d+) +/memfd:narwhal-(shared|scratch)`)

// sharedBy returns the inodes of the shared memory if there are n workers and all of
// them map it. Otherwise it returns "".
func sharedBy(t *testing.T, s *served, n int) (inodes string) {
	t.Helper()
	children := workersOf(t, s)
	for _, pid := range children {
		found := map[string]string{}
		for _, m := range sharedLine.FindAllStringSubmatch(mapsOf(pid), -1) {
			if want := map[string]string{"shared": "r--p", "scratch": "rw-s"}[m[3]]; m[1] != want {
				t.Fatalf("the memory %s is mapped as %s, want %s", m[3], m[1], want)
			}
			found[m[3]] = m[2]
		}
		these := found["shared"] + " " + found["scratch"]
		if len(found) != 2 || inodes != "" && inodes != these {
			return ""
		}
		inodes = these
	}
	if len(children) != n {
		return ""
	}
	return inodes
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
	b, _ := os.ReadFile("/proc/" + pid + "/maps") // empty if the process has ended
	return string(b)
}
