package logfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 100 {
				fmt.Fprintf(l, "line %d %d\n", i, j)
			}
		})
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	fmt.Fprintln(l, "the end")
	lines := 0
	for _, p := range []string{path, path + ".1"} {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(b), "\n")
	}
	if lines != 401 {
		t.Errorf("%d lines are left of 401", lines)
	}
	if b, _ := os.ReadFile(path); !strings.HasSuffix(string(b), "the end\n") {
		t.Errorf("the new file ends %q", b)
	}
}

func TestReopenFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "logs", "access.log")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Dir(path), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err == nil {
		t.Error("a folder that is gone was no error")
	}
	fmt.Fprintln(l, "still here")
	if b, _ := os.ReadFile(filepath.Join(dir, "moved", "access.log")); string(b) != "still here\n" {
		t.Errorf("the log did not go on where it was: %q", b)
	}
}

// This test binary, started again, panics: the panic must be in the file.
func TestStderr(t *testing.T) {
	if path := os.Getenv("NARWHAL_TEST_STDERR"); path != "" {
		if err := Stderr(path); err != nil {
			t.Fatal(err)
		}
		panic("the last words")
	}
	path := filepath.Join(t.TempDir(), "error.log")
	cmd := exec.Command(os.Args[0], "-test.run=^TestStderr$")
	cmd.Env = append(os.Environ(), "NARWHAL_TEST_STDERR="+path)
	if err := cmd.Run(); err == nil {
		t.Fatal("the process did not die")
	}
	if b, _ := os.ReadFile(path); !strings.Contains(string(b), "the last words") {
		t.Errorf("the log has %q", b)
	}
}

// Open refuses a FIFO, because opening a FIFO that nobody reads would wait.
func TestNoFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is a FIFO") {
		t.Errorf("open: %v", err)
	}
	if err := Stderr(path); err == nil || !strings.Contains(err.Error(), "is a FIFO") {
		t.Errorf("standard error: %v", err)
	}
	l, err := Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(l, "a line")
}
