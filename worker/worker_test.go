package worker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// A worker gives its app what the hello says, and shows on the scoreboard that it serves.
// Programs that it starts inherit neither its descriptors nor wire.Env.
func TestReady(t *testing.T) {
	m := spawn(t, appSettings{Note: "a model"}, nil)
	m.want(wire.Message{Kind: wire.Ready, Note: "a model"})
	if s := m.line.Read().State; s != board.Serving {
		t.Errorf("when it is ready, the scoreboard says %v", s)
	}
	_, body := m.dial("/").answer()
	var got identity
	check(t, json.Unmarshal(body, &got))
	if got.Slot != 3 || got.Generation != 2 || got.Age != 17 {
		t.Errorf("slot, generation and age: %+v", got)
	}
	if got.Spawned || got.Inherited != nil {
		t.Errorf("a program that the worker starts would be a worker: %v, with the descriptors %v", got.Spawned, got.Inherited)
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", m.cmd.Process.Pid))
	if string(comm) != "narwhal-w3\n" {
		t.Errorf("ps names the process %q, %v", comm, err)
	}
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	m.ended(0, "")
}

// An idle worker still writes its beat.
func TestBeat(t *testing.T) {
	m := serving(t, nil)
	for range 2 {
		began := time.Now()
		m.until("a beat after this moment", func() bool { return m.line.Read().Beat < time.Since(began) })
	}
}

// A worker that cannot start tells the master why.
func TestFailed(t *testing.T) {
	m := spawn(t, appSettings{Broken: "no model"}, nil)
	m.want(wire.Message{Kind: wire.Failed, Error: "no model"})
	m.ended(3, "the worker could not start: no model\n")
	if s := m.line.Read().State; s != board.Starting {
		t.Errorf("the scoreboard says %v", s)
	}
}

// A worker also tells the master why if a file that it inherits is not a listening socket.
func TestFailedToListen(t *testing.T) {
	null, err := os.Open(os.DevNull)
	check(t, err)
	defer null.Close()
	m := spawn(t, appSettings{}, func(h *wire.HelloMessage) {
		h.Listeners = append(h.Listeners, wire.Listener{Addr: "127.0.0.1:1"})
	}, null)
	const why = "listener 127.0.0.1:1: getsockname: socket operation on non-socket"
	m.want(wire.Message{Kind: wire.Failed, Error: why})
	m.ended(3, "the worker could not start: "+why+"\n")
}

// Run fails if something else than a master has set wire.Env, or if the master dies before
// it has sent the hello.
func TestNoMaster(t *testing.T) {
	for _, env := range []string{"yes", "4"} { // 4 is the descriptor of the scoreboard
		m := start(t, env)
		m.exited(3, wire.Env+" is set, but only a narwhal master may set it: unset it\n")
	}
	m := start(t, fmt.Sprint(wire.ControlFD))
	m.die()
	m.exited(3, "receive the settings from the master: EOF\n")
}

func TestServerEnds(t *testing.T) {
	m := spawn(t, appSettings{Ends: "out of paper"}, nil)
	m.want(wire.Message{Kind: wire.Ready})
	m.ended(3, "the server ended without being told to: out of paper\n")
}

// A worker that drains accepts no more and answers what it has.
func TestDrain(t *testing.T) {
	m := serving(t, nil)
	held := m.dial("/hold")
	m.says("holding")
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	m.untilClosed()
	if s := m.line.Read().State; s != board.Leaving {
		t.Errorf("while it drains, the scoreboard says %v", s)
	}
	m.dial("/")
	m.release()
	if got := held.status(); got != 200 {
		t.Errorf("a request that ran is answered with %d", got)
	}
	m.ended(0, "")
	m.wantWaiting()
}

// A worker that already leaves is told that no other process goes on with the service. It
// says that it parks no more, and then it parks no more: the answer ends the connection.
func TestDrainBecomesLast(t *testing.T) {
	m := serving(t, func(h *wire.HelloMessage) { h.Worker.Park = true })
	held := m.dial("/hold")
	m.says("holding")
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	m.untilClosed()
	m.send(wire.Message{Kind: wire.Drain, Last: true})
	m.want(wire.Message{Kind: wire.Settled})
	check(t, unix.Shutdown(m.lot, unix.SHUT_RDWR)) // as a master with no parked connection
	m.release()
	if got := held.status(); got != 200 {
		t.Errorf("a request that ran is answered with %d", got)
	}
	if _, err := held.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the answer: %v, want EOF", err)
	}
	m.ended(0, "")
}

// The last worker also answers what waits in the kernel's queue.
func TestDrainQueue(t *testing.T) {
	m := serving(t, nil)
	clients := []*client{m.dial("/hold")}
	m.says("holding")
	for range 3 {
		clients = append(clients, m.dial("/"))
	}
	m.send(wire.Message{Kind: wire.Drain, Queue: true, Last: true, Grace: time.Minute})
	m.want(wire.Message{Kind: wire.Settled})
	check(t, unix.Shutdown(m.lot, unix.SHUT_RDWR)) // as a master with no parked connection
	m.release()
	for i, c := range clients {
		if got := c.status(); got != 200 {
			t.Errorf("client %d: %d", i, got)
		}
		c.Close()
	}
	m.ended(0, "")
}

// Connections with nothing on them are closed when the linger is over.
func TestDrainLinger(t *testing.T) {
	m := serving(t, func(h *wire.HelloMessage) { h.Worker.Linger = time.Millisecond })
	idle := m.dial("/")
	idle.status()
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	if _, err := idle.br.ReadByte(); err == nil {
		t.Error("an idle client was sent something")
	}
	m.ended(0, "")
}

func TestDrainTooLong(t *testing.T) {
	m := serving(t, nil)
	m.dial("/hold")
	m.says("holding")
	m.send(wire.Message{Kind: wire.Drain, Grace: 50 * time.Millisecond})
	m.ended(3, "graceful timeout of 50ms is over: 1 requests are lost\n")
}

// A worker that has answered MaxRequests requests asks to be replaced, once. It serves until
// the master sends Drain.
func TestWorn(t *testing.T) {
	m := serving(t, func(h *wire.HelloMessage) { h.Worker.Limits.MaxRequests = 2 })
	c := m.dial("/")
	c.status()
	c.ask("/")
	c.status()
	m.want(wire.Message{Kind: wire.Worn, Error: "max-requests"})
	for range 3 {
		c.ask("/")
		if got := c.status(); got != 200 {
			t.Errorf("without a successor the worker answers %d", got)
		}
	}
	c.Close()
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	m.ended(0, "") // and has sent no second message
}

// After SIGTERM the worker asks to be replaced. After a second SIGTERM it drains without
// being replaced. It ignores the signals of a terminal, which are for the master.
func TestSignals(t *testing.T) {
	m := serving(t, nil)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE} {
		m.signal(s)
	}
	m.signal(syscall.SIGTERM)
	m.want(wire.Message{Kind: wire.Worn, Error: "SIGTERM"})
	held := m.dial("/hold")
	m.says("holding")
	m.signal(syscall.SIGTERM)
	m.untilClosed()
	m.release()
	if got := held.status(); got != 200 {
		t.Errorf("a request that ran is answered with %d", got)
	}
	m.ended(0, "")
}

func TestReopen(t *testing.T) {
	m := serving(t, nil)
	m.send(wire.Message{Kind: wire.Reopen})
	m.says("reopened")
	m.signal(syscall.SIGUSR1)
	m.says("reopened")
}

// After Rebalance and Leave the worker still serves. Rebalance makes kept connections end
// with their next answer.
func TestRebalanceAndLeave(t *testing.T) {
	m := serving(t, nil)
	kept := m.dial("/")
	if r, _ := kept.answer(); r.Close {
		t.Fatal("a connection is not kept")
	}
	m.send(wire.Message{Kind: wire.Rebalance})
	m.send(wire.Message{Kind: wire.Leave})
	m.send(wire.Message{Kind: wire.Reopen})
	m.says("reopened") // so the worker has handled the two messages before
	kept.ask("/")
	if r, _ := kept.answer(); r.StatusCode != 200 || !r.Close {
		t.Errorf("after a rebalance the next answer is %d, and Connection: close is %v", r.StatusCode, r.Close)
	}
	if r, _ := m.dial("/").answer(); r.StatusCode != 200 || r.Close {
		t.Errorf("a newcomer's answer is %d, and Connection: close is %v", r.StatusCode, r.Close)
	}
}

// When the master dies, the worker answers the connections that it has and ends. It also
// answers those in the kernel's queue, unless another process goes on with the socket.
func TestMasterDies(t *testing.T) {
	for _, test := range []struct {
		name string
		hello,
		own bool // Listener.Ours in the hello, and after a message Own
	}{
		{"ours", true, true},
		{"of another", false, false},
		{"ours since an upgrade", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := serving(t, func(h *wire.HelloMessage) { h.Listeners[0].Ours = test.hello })
			if test.own != test.hello {
				m.send(wire.Message{Kind: wire.Own, Ours: []bool{test.own}})
			}
			held := m.dial("/hold")
			m.says("holding")
			queued := m.dial("/")
			m.die()
			m.until("the worker leaves", func() bool { return m.line.Read().State == board.Leaving })
			if !test.own {
				m.untilClosed()
			}
			m.release()
			if got := held.status(); got != 200 {
				t.Errorf("a request that ran is answered with %d", got)
			}
			held.Close()
			if test.own {
				if got := queued.status(); got != 200 {
					t.Errorf("a request in the queue is answered with %d", got)
				}
				queued.Close()
			}
			m.exited(0, "the master has died; answering the clients that are connected, then leaving")
			if !test.own {
				m.wantWaiting()
			}
		})
	}
}

// The worker passes an idle connection to the master, and gets it back with its next
// request. A worker that drains also passes its idle connections to the master, and closes
// none.
func TestParked(t *testing.T) {
	m := serving(t, func(h *wire.HelloMessage) { h.Worker.Park = true })
	c := m.dial("/")
	c.status()
	for range 2 {
		fd := m.takeParked()
		c.ask("/")
		m.until("the request has arrived", func() bool { return park.Readable(fd) })
		check(t, park.Pass(m.lot, fd, time.Minute))
		if r, _ := c.answer(); r.StatusCode != 200 || r.Close {
			t.Errorf("a parked connection's answer is %d, and Connection: close is %v", r.StatusCode, r.Close)
		}
	}
	m.takeParked()
	held := m.dial("/hold")
	m.says("holding")
	m.send(wire.Message{Kind: wire.Drain, Grace: time.Minute})
	m.untilClosed()
	m.release()
	if r, _ := held.answer(); r.StatusCode != 200 || r.Close {
		t.Errorf("a leaving worker's answer is %d, and Connection: close is %v", r.StatusCode, r.Close)
	}
	m.takeParked()
	m.ended(0, "")
}

// Beyond LimitConcurrency a request is answered with 503 at once.
func TestHTTPLimit(t *testing.T) {
	m := serving(t, func(h *wire.HelloMessage) { h.Worker.Limits.LimitConcurrency = 1 })
	held := m.dial("/hold")
	m.says("holding")
	r, body := m.dial("/").answer()
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" || !strings.Contains(string(body), "too many requests") {
		t.Errorf("the second of two requests at once is answered with %d, Retry-After %q, %q", r.StatusCode, r.Header.Get("Retry-After"), body)
	}
	m.release()
	if got := held.status(); got != 200 {
		t.Errorf("the first is answered with %d", got)
	}
	if all, failed := m.page.Requests(); all != 2 || failed != 1 {
		t.Errorf("the worker counts %d requests and %d failures, want 2 and 1", all, failed)
	}
}

// A request whose handler panics counts as a failure and gives its place back.
func TestHTTPPanic(t *testing.T) {
	m := serving(t, nil)
	if _, err := m.dial("/panic").br.ReadByte(); err == nil {
		t.Error("a handler that panicked has answered")
	}
	if got := m.dial("/").status(); got != 200 {
		t.Errorf("the next request is answered with %d", got)
	}
	failed := uint64(0)
	m.until("two requests", func() (two bool) {
		var all uint64
		all, failed = m.page.Requests()
		return all == 2
	})
	if failed != 1 {
		t.Errorf("the worker counts %d failures, want 1", failed)
	}
}
