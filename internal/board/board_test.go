package board

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	master, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	l := master.Line(7)
	l.Reset()
	if s := l.Read(); s.Running != 0 || s.What != "" || s.Beat > time.Minute {
		t.Fatalf("a line just reset reads %+v", s)
	}
	l.Running(Now(), "GET", "/", 42)
	l.InFlight(3)
	l.Conns(4)
	l.Places(2)
	l.ShowQueue(false, 1, 3, Now())
	l.State(Serving)
	l.Received(5)
	l.Received(6)
	l.Sent(7)
	l.Busy(time.Second)
	l.Busy(time.Second)
	s := l.Read()
	if s.State != Serving || s.Received != 11 || s.Sent != 7 || s.Busy != 2*time.Second {
		t.Errorf("line reads %+v", s)
	}
	if s.What != "GET /" || s.Size != 42 || s.Running <= 0 || s.InFlight != 3 || s.Conns != 4 || s.Places != 2 || s.Taken != 1 || s.Waiting != 3 {
		t.Fatalf("line reads %+v", s)
	}
	long := "/" + strings.Repeat("x", 1000)
	l.Running(Now(), "POST", long, 1)
	if got := l.Read().What; len(got) != whatBytes || !strings.HasPrefix("POST "+long, got) {
		t.Errorf("a long path reads %q", got)
	}
	l.Running(Now(), "GET", "/short", 1)
	if got := l.Read().What; got != "GET /short" {
		t.Errorf("a short path after a long one reads %q", got)
	}
	if other := master.Line(8).Read(); other.What != "" || other.Places != 0 {
		t.Errorf("the next line was written: %+v", other)
	}
	l.Reset()
	if s := l.Read(); s.State != Starting || s.Received != 0 || s.Sent != 0 || s.Busy != 0 || s.Places != 0 || s.Taken != 0 {
		t.Errorf("a line reset reads %+v", s)
	}
	l.Running(0, "", "", 0)
	if s := l.Read(); s.Running != 0 || s.What != "" {
		t.Errorf("no request is running but the line says %+v", s)
	}
}

// A reader sees a request with its own size, never half of two, however fast
// the writer changes it.
func TestConcurrent(t *testing.T) {
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l := b.Line(0)
	l.Reset()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer func() {
		close(stop)
		wg.Wait() // before the memory goes
	}()
	long := "GET /" + strings.Repeat("a", 50)
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if i%2 == 0 {
				l.Running(Now(), "GET", long[len("GET "):], 50)
			} else {
				l.Running(Now(), "POST", "/b", 1)
			}
		}
	})
	sizes := map[string]int{long: 50, "POST /b": 1}
	seen := map[string]int{}
	for seen[long] < 100 || seen["POST /b"] < 100 {
		s := l.Read()
		if s.What == "" {
			if s.Size != 0 {
				t.Fatalf("a line that cannot be told has size %d", s.Size)
			}
			continue
		}
		if want, ok := sizes[s.What]; !ok || s.Size != want || s.Running == 0 {
			t.Fatalf("line reads %+v, which nobody wrote", s)
		}
		seen[s.What]++
	}
}

// A worker that died in the middle of writing leaves a line that says since
// when something runs, and not what.
func TestHalfWritten(t *testing.T) {
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l := b.Line(0)
	l.Reset()
	l.Running(Now(), "GET", "/", 1)
	l.seq.Add(1)
	l.size.Store(2)
	if s := l.Read(); s.What != "" || s.Size != 0 || s.Running == 0 {
		t.Errorf("a half-written line reads %+v", s)
	}
}

// Two processes that map a board see the same counters, and each worker has its own.
func TestPages(t *testing.T) {
	master, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	worker, err := Open(master.File())
	if err != nil {
		t.Fatal(err)
	}
	last := Lines - 1
	if err := master.Reserve(last); err != nil {
		t.Fatal(err)
	}
	worker.Page(last).Unread(0, "GET", 404)
	worker.Page(last).Unread(0, "GET", 503)
	if all, failed := master.Page(last).Requests(); all != 2 || failed != 1 {
		t.Errorf("the page has %d requests, %d failed, want 2 and 1", all, failed)
	}
	if all, _ := master.Page(last - 1).Requests(); all != 0 {
		t.Errorf("the page of another worker has %d requests", all)
	}
	master.Page(last).Reset()
	if all, _ := worker.Page(last).Requests(); all != 0 {
		t.Errorf("a page that was reset has %d requests", all)
	}
}
