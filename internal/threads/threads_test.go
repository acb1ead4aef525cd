package threads

import (
	"os"
	"runtime"
	"testing"
)

func TestReserve(t *testing.T) {
	Reserve(20)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if want := 20 + runtime.GOMAXPROCS(0); len(tasks) < want {
		t.Errorf("%d threads, want at least %d", len(tasks), want)
	}
}
