package wire

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/limits"
)

func pair(t *testing.T) (*Conn, *Conn) {
	t.Helper()
	master, file, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	// The worker gets a copy of the descriptor, as exec makes one.
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	worker, err := Inherited(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); worker.Close() })
	return master, worker
}

func TestMessages(t *testing.T) {
	master, worker := pair(t)
	for _, want := range []Message{
		{Kind: Hello, Hello: &HelloMessage{Slot: 3, Generation: 2, Age: 17, Line: 5, Listeners: []Listener{{"127.0.0.1:5000", true}},
			Worker: Worker{Limits: limits.Limits{Threads: 1, GracefulTimeout: time.Second}}, Settings: json.RawMessage(`{"x":1}`)}},
		{Kind: Drain, Queue: true},
	} {
		if err := master.Send(want); err != nil {
			t.Fatal(err)
		}
		got, err := worker.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("message changed on its way (-sent +received):\n%s", d)
		}
	}
	if err := worker.Send(Message{Kind: Failed, Error: "no model"}); err != nil {
		t.Fatal(err)
	}
	if got, err := master.Recv(); err != nil || got.Error != "no model" {
		t.Errorf("received %+v, %v", got, err)
	}
}

func TestDeathIsEOF(t *testing.T) {
	for _, unread := range []bool{false, true} {
		master, worker := pair(t)
		if unread {
			// If the other process dies before it has read a message, read(2) fails with
			// ECONNRESET.
			if err := master.Send(Message{Kind: Reopen}); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error, 1)
		go func() { _, err := master.Recv(); done <- err }()
		worker.Close()
		if err := <-done; err != io.EOF {
			t.Errorf("unread %v: Recv returned %v, want EOF", unread, err)
		}
	}
}

func TestLargeMessages(t *testing.T) {
	master, worker := pair(t)
	fits := Message{Kind: Failed, Error: strings.Repeat("x", 100<<10)}
	go master.Send(fits)
	if got, err := worker.Recv(); err != nil || got.Error != fits.Error {
		t.Errorf("a message of 100 kB: %v", err)
	}
	if err := master.Send(Message{Kind: Failed, Error: strings.Repeat("x", maxPacket)}); err == nil {
		t.Error("a message too large was sent")
	}
}

// If a worker was stopped and reads nothing, Send does not wait for it.
func TestDeaf(t *testing.T) {
	master, worker := pair(t)
	sent := 0
	var err error
	for ; err == nil && sent < 100_000; sent++ {
		err = master.Send(Message{Kind: Reopen})
	}
	if !errors.Is(err, ErrDeaf) || sent < 100 {
		t.Errorf("after %d messages: %v", sent, err)
	}
	if m, err := worker.Recv(); err != nil || m.Kind != Reopen {
		t.Errorf("when it reads again it gets %v, %v", m, err)
	}
	if err := master.Send(Message{Kind: Reopen}); err != nil {
		t.Errorf("then it can be told more: %v", err)
	}
}

func TestInheritedRefusesOtherFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := Inherited(int(r.Fd())); err == nil {
		t.Error("a pipe was taken for the master's socket")
	}
}
