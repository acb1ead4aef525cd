package supervisor_test

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/supervisor"
)

// statsdServer adds up what it gets.
type statsdServer struct {
	conn net.PacketConn
	mu   sync.Mutex
	sums map[string]float64 // of counters, and the number of durations, by name
	last map[string]float64 // of gauges
	odd  []string           // lines that are none of Gunicorn's forms
}

func newStatsdServer(t *testing.T) *statsdServer {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &statsdServer{conn: c, sums: map[string]float64{}, last: map[string]float64{}}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			s.take(string(b[:n]))
		}
	}()
	return s
}

func (s *statsdServer) take(packet string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range strings.Split(packet, "\n") {
		name, rest, _ := strings.Cut(line, ":")
		f := strings.Split(rest, "|")
		rate := 1.0
		if len(f) == 3 {
			rate, _ = strconv.ParseFloat(strings.TrimPrefix(f[2], "@"), 64)
		}
		n, err := strconv.ParseFloat(f[0], 64)
		switch {
		case err != nil || len(f) < 2 || rate <= 0:
			s.odd = append(s.odd, line)
		case f[1] == "c":
			s.sums[name] += n / rate
		case f[1] == "ms":
			s.sums[name] += 1 / rate
		case f[1] == "g":
			s.last[name] = n
		default:
			s.odd = append(s.odd, line)
		}
	}
}

// A statsd server gets, under Gunicorn's names, exactly what the clients have seen, over a
// reload, an upgrade and a stop under load.
func TestStatsdIsExact(t *testing.T) {
	server := newStatsdServer(t)
	o := options(supervisor.Options{Workers: 2, Sync: true, Linger: time.Second, Statsd: server.conn.LocalAddr().String(), StatsdPrefix: "ner"}, appSettings{Work: time.Millisecond})
	l := newLine(t, start(t, o))
	seen := tally{answered: map[string]int{}}
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 4 {
		load.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if n%4 == 0 {
					seen.askOne(l.addr, "POST", "/", "/", `{"text":`)
				} else {
					seen.askOne(l.addr, "POST", "/", "/", `{"text":"find"}`)
				}
			}
		})
	}
	more := func() {
		seen.mu.Lock()
		before := seen.all()
		seen.mu.Unlock()
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			seen.mu.Lock()
			now := seen.all()
			seen.mu.Unlock()
			if now >= before+100 {
				return
			}
			if time.Now().After(end) {
				t.Fatal("no 100 answers in a minute")
			}
		}
	}
	more()
	l.signal(syscall.SIGHUP)
	l.await(logevent.ReloadDone.Text(), 1)
	more()
	l.upgrade(t)
	more()
	close(stop)
	load.Wait()
	server.await(t, &seen, true) // the new master sends what the old one has counted at its end
	seen.askOne(l.addr, "POST", "/", "/", `{"text":"find"}`)
	l.end(t)
	server.await(t, &seen, false) // what was counted since the last second was sent at the end
}

// await waits until the sums are what the clients have seen, and there are workers, or none.
func (s *statsdServer) await(t *testing.T, seen *tally, workers bool) {
	t.Helper()
	want := map[string]float64{}
	for sample, n := range seen.answered {
		want["ner.gunicorn.request.status."+strings.Split(sample, `"`)[1]] += float64(n)
		want["ner.gunicorn.requests"] += float64(n)
		want["ner.gunicorn.request.duration"] += float64(n)
	}
	var diff string
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		got := map[string]float64{}
		for name, n := range s.sums {
			if !strings.Contains(name, ".log.") {
				got[name] = math.Round(n)
			}
		}
		diff = cmp.Diff(want, got)
		if n := s.last["ner.gunicorn.workers"]; len(s.odd) > 0 || (n > 0) != workers {
			diff += fmt.Sprintf("%v workers, odd lines %q", n, s.odd)
		}
		s.mu.Unlock()
		if diff == "" || time.Now().After(end) {
			break
		}
	}
	if diff != "" || seen.broken > 0 {
		t.Fatalf("%d requests without an answer; statsd got something else than the clients saw (-clients +statsd):\n%s", seen.broken, diff)
	}
}

// all returns the number of answers. y.mu is held.
func (y *tally) all() (n int) {
	for _, m := range y.answered {
		n += m
	}
	return n
}

// A statsd server that is away or reads nothing holds up nothing. The log warns of it, and
// warnings and errors of master and workers are counted.
func TestStatsdIsAway(t *testing.T) {
	dir := t.TempDir()
	deaf, err := net.ListenPacket("unixgram", filepath.Join(dir, "deaf"))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	filler, err := net.Dial("unixgram", filepath.Join(dir, "deaf"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for {
		filler.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := filler.Write([]byte("x:1|c")); err != nil {
			break
		}
	}
	for _, file := range []string{"nobody", "deaf"} {
		m := start(t, options(supervisor.Options{Workers: 1, Admin: "127.0.0.1:0", Statsd: "unix:" + filepath.Join(dir, file)}, appSettings{}))
		m.await("cannot send metrics to statsd", 1)
		for range 20 {
			if status, err := once(m.addr, "POST", "/", `{"text":"find"}`); status != 200 {
				t.Errorf("%s: %d, %v", file, status, err)
			}
		}
		if status, err := once(m.addr, "POST", "/", `{"text":"panic"}`); status != 500 {
			t.Errorf("%s: %d, %v", file, status, err)
		}
		_, text, err := metricsOf(adminAddress.FindStringSubmatch(m.log())[1], "")
		if err != nil {
			t.Fatal(err)
		}
		now := samples(t, text)
		if warnings, errors := now[metrics.LogTotal+`{level="warning"}`], now[metrics.LogTotal+`{level="error"}`]; warnings < 1 || errors < 1 {
			t.Errorf("%v warnings and %v errors were counted, want 1 of each: the master's about statsd, the worker's about a panic", warnings, errors)
		}
		m.signal(syscall.SIGTERM)
		if code := m.wait(); code != 0 {
			t.Errorf("%s: exit status %d", file, code)
		}
	}
}
