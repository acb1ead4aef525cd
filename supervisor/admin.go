package supervisor

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/internal/bounded"
	"github.com/narwhal-server/narwhal/internal/http1"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// admin is the master's own HTTP server. It never touches a worker, so it
// answers however busy they are.
type admin struct {
	srv  *http.Server
	sock *sock.Socket
	most int // connections
	log  *slog.Logger

	ln     net.Listener
	conns  sync.WaitGroup
	served chan struct{} // closed when it accepts no more
	left   bool          // to the next master
}

// adminBacklog is more than enough: nobody is slow here.
const adminBacklog = 128

// adminBody is the largest body of a request, bytes. No path has a use for one.
const adminBody = 4 << 10

// adminTime is how long a client may take for a request, and how long it may
// leave its connection idle.
const adminTime = 10 * time.Second

// newAdmin makes a server with at most so many connections; it answers once it is
// started.
func newAdmin(s *sock.Socket, most int, ready *atomic.Bool, log *slog.Logger) *admin {
	a := &admin{sock: s, most: most, log: log, srv: &http.Server{
		Handler: strict(adminRoutes(ready)), DisableGeneralOptionsHandler: true, ConnContext: withConn,
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
		a.srv.Serve(a.ln) // returns when it is closed
		close(a.served)
	}()
	a.log.Info("admin", "address", a.sock.Addr.String())
	return nil
}

// leave lets the next master answer; what has been accepted is answered here
// before close returns. Shutdown of net/http is no way to do it: a request that
// is read while it waits is dropped.
func (a *admin) leave() {
	a.left = true
	a.sock.Disown()
	a.ln.Close()
	a.srv.SetKeepAlivesEnabled(false)
}

// leaveTime is for clients that have connected and say nothing.
const leaveTime = time.Second

func (a *admin) close() {
	if a.left {
		answered := make(chan struct{})
		go func() {
			<-a.served // or a connection that is being accepted is not known yet
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
