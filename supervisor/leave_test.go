package supervisor_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/supervisor"
)

// In the drain delay readiness has failed, the master's and the workers', and
// every request is served.
func TestDrainDelay(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Admin: "127.0.0.1:0", DrainDelay: time.Hour}, appSettings{Work: work}))
	admin := m.field("msg=admin ", "address=")
	l := clients(m.addr, 16, false)
	m.signal(syscall.SIGTERM)
	m.await("msg=\"leaving; ", 1)
	if code := status(t, "http://"+admin+"/readyz"); code != 503 {
		t.Errorf("/readyz of the master says %d", code)
	}
	for status(t, "http://"+m.addr+"/readyz") != 503 { // until the message has reached the workers
	}
	for range 50 {
		if code := status(t, "http://"+m.addr+"/healthz"); code != 200 {
			t.Fatalf("/healthz of a worker says %d", code)
		}
	}
	if sent, failed := l.end(); failed > 0 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, l.errors)
	}
	m.signal(syscall.SIGTERM)
	if code := m.wait(); code != 0 {
		t.Errorf("a second TERM: exit code %d", code)
	}
}

// After the delay the drain comes by itself.
func TestDrainDelayEnds(t *testing.T) {
	m := start(t, options(supervisor.Options{DrainDelay: 20 * time.Millisecond}, appSettings{}))
	m.signal(syscall.SIGTERM)
	if code := m.wait(); code != 0 || m.count(`msg="worker left"`) != 1 {
		t.Errorf("exit code %d, and the worker did not leave by itself:\n%s", code, m.log())
	}
}

// Workers that are too old leave one by one, and cost no request.
func TestMaxWorkerAge(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4, MaxWorkerAge: 300 * time.Millisecond}, func(t *testing.T, m *master, i int) {
		m.await(`msg="worker left"`, i+1)
	}, none)
}

// field finds what follows a name in the first log line with some text.
func (m *master) field(text, name string) string {
	m.await(text, 1)
	for line := range strings.Lines(m.log()) {
		if strings.Contains(line, text) {
			_, after, _ := strings.Cut(line, name)
			return strings.Fields(after)[0]
		}
	}
	return ""
}

func status(t *testing.T, url string) int {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
