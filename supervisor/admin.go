package supervisor

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/narwhal-server/narwhal/internal/bounded"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// admin is the master's own HTTP server. It answers without asking a worker, so it
// answers however busy the workers are.
type admin struct {
	srv  *http.Server
	sock *sock.Socket
	most int // connections at once
	log  *slog.Logger

	ln     net.Listener
	conns  sync.WaitGroup
	served chan struct{} // closed when the server accepts no more connections
	left   bool          // leave was called: the new master answers now
}

// adminBacklog is the length of the admin socket's accept queue, in connections. The
// server accepts a connection at once, so the queue stays short.
const adminBacklog = 128

// adminBody is the largest body of a request, in bytes. No path uses a body.
const adminBody = 4 << 10

// adminTime is how long a client may take to send a request, to read the answer, and
// how long it may leave its connection idle.
const adminTime = 10 * time.Second

// newAdmin makes a server that holds at most most connections. It answers nothing
// before start.
func newAdmin(s *sock.Socket, most int, routes http.HandlerFunc, log *slog.Logger) *admin {
	a := &admin{sock: s, most: most, log: log, srv: &http.Server{
		Handler: strict(routes), DisableGeneralOptionsHandler: true, ConnContext: withConn,
		ReadTimeout: adminTime, WriteTimeout: adminTime, IdleTimeout: adminTime, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	a.srv.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			a.conns.Add(1)
		case http.StateClosed:
			a.conns.Done()
		}
	}
	return a
}

func (a *admin) start() error {
	ln, err := net.FileListener(a.sock.File)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	a.ln, a.served = strictListener{bounded.Listen(ln, a.most), http1.Limits{Body: adminBody}}, make(chan struct{})
	go func() {
		a.srv.Serve(a.ln) // returns when a.ln is closed
		close(a.served)
	}()
	logevent.AdminListens.Log(a.log, "admin", "address", a.sock.Addr.String())
	return nil
}

// leave gives the address to the new master: this server accepts no more connections.
// close waits until the accepted connections have been answered. http.Server.Shutdown
// cannot do this: it drops a request that is read while Shutdown waits.
func (a *admin) leave() {
	a.left = true
	a.sock.Disown()
	a.ln.Close()
	a.srv.SetKeepAlivesEnabled(false)
}

// leaveTime is how long close waits, after leave, for the accepted connections. A
// client that has connected and sends nothing cannot hold it up for longer.
const leaveTime = time.Second

func (a *admin) close() {
	if a.left {
		answered := make(chan struct{})
		go func() {
			<-a.served // before that, conns may lack a connection that is being accepted
			a.conns.Wait()
			close(answered)
		}()
		select {
		case <-answered:
		case <-time.After(leaveTime):
		}
	}
	a.srv.Close()
	a.sock.Unlink()
	a.sock.Close()
}
