package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// After Ctrl-C narwhal bench prints what it has measured so far, and exits with 0.
func TestBenchInterrupted(t *testing.T) {
	hundred := make(chan struct{})
	var mu sync.Mutex
	answered := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"Vienna":"GPE"}`))
		mu.Lock()
		defer mu.Unlock()
		if answered++; answered == 100 {
			close(hundred)
		}
	}))
	defer server.Close()

	var stdout, stderr bytes.Buffer
	cmd := exec.Command("narwhal", "bench", "-c", "4", "-z", "1h", server.URL)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-hundred
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for _, want := range []string{"interrupted: what was measured until then\n", "p99", " answers with status 200, 0 failed\n", "\nstatus 200  "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, &stdout)
		}
	}
}
