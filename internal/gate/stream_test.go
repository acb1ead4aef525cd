package gate

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/limits"
)

// streaming makes a gate whose requests with POST are streams.
func streaming(t *testing.T, l limits.Limits) (*Gate, string) {
	t.Helper()
	g, addr := listening(t, Options{Limits: l})
	g.Rules(Rules{Stream: func(h *http1.Head, _ func(string) string) bool { return h.Method == "POST" }, Refusals: true})
	return g, addr
}

const streamHead = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

// openStream sends the head of a stream, and returns what the server gets.
func openStream(t *testing.T, g *Gate, addr string) (net.Conn, *Conn) {
	t.Helper()
	client := dial(t, addr)
	if _, err := io.WriteString(client, streamHead); err != nil {
		t.Fatal(err)
	}
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := c.(*Conn)
	head := make([]byte, 1<<10)
	n, err := conn.Read(head)
	if err != nil || !conn.Streams() || string(head[:n]) != "POST / HTTP/1.1\r\nHost: x\r\n\r\n" {
		t.Fatalf("the head is %q, %v, streams %v", head[:n], err, conn.Streams())
	}
	return client, conn
}

func soon() time.Time { return time.Now().Add(20 * time.Second) }

// The server reads the body while it arrives. It has no place, so another request computes.
func TestStreamWithoutPlace(t *testing.T) {
	g, addr := streaming(t, limits.Limits{Threads: 1})
	client, conn := openStream(t, g, addr)
	p := make([]byte, 100)
	if n, err := conn.ReadBody(p, time.Now()); n != 0 || !errors.Is(err, ErrTimeout) {
		t.Errorf("before any byte: %d, %v", n, err)
	}
	r := g.Begin(conn, Info{})
	for _, line := range []string{"one\n", "two\n"} {
		go io.WriteString(client, "4\r\n"+line+"\r\n")
		n, err := io.ReadFull(bodyOf{conn}, p[:4])
		if err != nil || string(p[:n]) != line {
			t.Fatalf("read %q, %v, want %q", p[:n], err, line)
		}
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		r.Rest()
		send(t, dial(t, addr), "/other") // gets the place
		_, end := begin(t, g)
		end()
	}
	io.WriteString(client, "0\r\n\r\n")
	if n, err := conn.ReadBody(p, soon()); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	r.End(200)
	conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\nok"))
	conn.Close()
	if b, err := io.ReadAll(client); err != nil || !strings.HasSuffix(string(b), "ok") {
		t.Errorf("the client gets %q, %v", b, err)
	}
}

type bodyOf struct{ c *Conn }

func (b bodyOf) Read(p []byte) (int, error) { return b.c.ReadBody(p, soon()) }

// However much the client sends, the gate holds only some of it. Nothing is lost.
func TestStreamWindow(t *testing.T) {
	g, addr := streaming(t, limits.Limits{LimitBody: 1000})
	client, conn := openStream(t, g, addr)
	const size = 8 << 20
	go func() {
		piece := "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n"
		for range size / 0x8000 {
			if _, err := io.WriteString(client, piece); err != nil {
				return
			}
		}
		io.WriteString(client, "0\r\n\r\n")
	}()
	total, p := 0, make([]byte, 10000)
	for {
		n, err := conn.ReadBody(p, soon())
		total += n
		g.mu.Lock()
		memory := g.memory
		g.mu.Unlock()
		if memory > 4*streamWindow {
			t.Fatalf("the gate holds %d bytes", memory)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != size {
		t.Errorf("%d bytes arrived, want %d", total, size)
	}
	conn.Close()
}

func TestStreamEnds(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(t *testing.T, g *Gate, addr string, client net.Conn)
		want error
	}{
		"client gone": {func(_ *testing.T, _ *Gate, _ string, client net.Conn) { client.Close() }, io.ErrUnexpectedEOF},
		"end of body": {func(_ *testing.T, _ *Gate, _ string, client net.Conn) { io.WriteString(client, "0\r\n\r\n") }, io.EOF},
		"others need the connection": {func(t *testing.T, _ *Gate, addr string, _ net.Conn) {
			dial(t, addr)
		}, ErrTimeout},
		"others need the memory": {func(t *testing.T, g *Gate, _ string, _ net.Conn) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.memory += 10000
			if g.makeRoom(nil) { // it counts too much, so nothing is enough
				t.Error("there is room")
			}
			g.memory -= 10000
		}, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			g, addr := streaming(t, limits.Limits{WorkerConnections: 1, LimitBody: 1000, LimitBuffers: 5000})
			client, conn := openStream(t, g, addr)
			waits := func() bool {
				g.mu.Lock()
				defer g.mu.Unlock()
				return g.partial > 0
			}
			got := make(chan error)
			go func() {
				_, err := conn.ReadBody(make([]byte, 10), time.Now().Add(defaultTimeout-2*stalled)) // as if it had waited for long
				got <- err
			}()
			for !waits() {
				time.Sleep(time.Millisecond)
			}
			test.do(t, g, addr, client)
			if err := <-got; !errors.Is(err, test.want) {
				t.Errorf("ReadBody: %v, want %v", err, test.want)
			}
			conn.Close()
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.partial != 0 || g.unsent != 0 {
				t.Errorf("%d partial and %d unsent are counted at the end", g.partial, g.unsent)
			}
		})
	}
}

// A client that does not read makes Write wait, and is ended when others need its memory.
func TestStreamUnsent(t *testing.T) {
	g, addr := streaming(t, limits.Limits{})
	_, conn := openStream(t, g, addr)
	wrote := make(chan error)
	go func() {
		for {
			if _, err := conn.Write(make([]byte, 32<<10)); err != nil {
				wrote <- err
				return
			}
		}
	}()
	for {
		g.mu.Lock()
		if g.unsent > 0 {
			if held := conn.c.memory; held > 4*streamUnsent {
				t.Errorf("the gate holds %d bytes of the answer", held)
			}
			conn.c.since = conn.c.since.Add(-2 * stalled)
			g.memory += int(g.o.LimitBuffers)
			g.makeRoom(nil)
			g.memory -= int(g.o.LimitBuffers)
			g.mu.Unlock()
			break
		}
		g.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	if err := <-wrote; !errors.Is(err, errTookTooLong) {
		t.Errorf("Write: %v", err)
	}
	conn.Close()
}

// A leaving worker goes on with a stream.
func TestStreamDuringDrain(t *testing.T) {
	g, addr := streaming(t, limits.Limits{})
	client, conn := openStream(t, g, addr)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	drained := make(chan error)
	go func() { drained <- g.Drain(ctx, Departure{}) }()
	for !g.Leaving() {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(client, "2\r\nok\r\n0\r\n\r\n")
	if b, err := io.ReadAll(bodyOf{conn}); string(b) != "ok" || err != nil {
		t.Errorf("the body is %q, %v", b, err)
	}
	conn.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
