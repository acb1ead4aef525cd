package supervisor_test

import (
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// A worker that starts later gets its part of the requests of clients that keep pinned
// connections, and no request is lost.
func TestNewWorkerGetsKeptClients(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Linger: time.Second}, appSettings{KeepAlive: time.Minute, Work: work}))
	l := clients(m.addr, 16, true)
	for l.sent.Load() < 100 {
		time.Sleep(time.Millisecond)
	}
	m.signal(syscall.SIGTTIN)
	m.await(logevent.WorkerReady.Text(), 2)
	for before := l.sent.Load(); l.sent.Load() < before+500; {
		time.Sleep(time.Millisecond)
	}
	sent, failed := l.end()
	if failed > 0 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, l.errors)
	}
	m.signal(syscall.SIGTERM)
	m.wait()
	left := regexp.MustCompile(logevent.WorkerLeft.Text() + ` worker=2 .* requests=(\d+)`).FindStringSubmatch(m.log())
	if left == nil {
		t.Fatalf("the log does not say how many requests worker 2 had:\n%s", m.log())
	}
	// A fair part is half of the last 500. Only a few would come from a client that has
	// connected again by chance.
	if n, _ := strconv.Atoi(left[1]); n < 50 {
		t.Errorf("the new worker had %d of 500 requests", n)
	}
}
