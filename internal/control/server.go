package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/bounded"
	"github.com/narwhal-server/narwhal/internal/errorbody"
)

// Server answers on the control socket of a master.
type Server struct {
	Path string
	ino  uint64
	srv  *http.Server
}

// Auto, as a path, stands for a socket in the first directory of Dirs.
const Auto = "auto"

// clientTime is how long a client may take to send its request, to read the answer, and
// between two requests. The master may take any time until the outcome is known.
const clientTime = 10 * time.Second

// Serve opens the socket at a path, or where Auto puts it, and answers for m until Close
// is called. It holds at most clients connections. At that number it closes the one that
// has sent no whole request for longest.
//
// If another master answers at the path, Serve takes the path from it. In an upgrade the
// new master gets the path in this way.
func Serve(path string, m Master, clients int, log *slog.Logger) (*Server, error) {
	if path == Auto {
		dir := Dirs(os.Getenv, os.Getuid())[0]
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		sweep(dir)
		path = socketOf(dir, os.Getpid())
	}
	ln, ino, err := listen(path)
	if err != nil {
		return nil, err
	}
	s := &Server{Path: path, ino: ino, srv: &http.Server{
		Handler:        handler(m),
		ReadTimeout:    clientTime,
		IdleTimeout:    clientTime,
		MaxHeaderBytes: 16 << 10,
		ConnContext:    withPeer,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go s.srv.Serve(bounded.Listen(ln, clients)) // returns when it is closed
	return s, nil
}

// listen binds the socket to another name and then renames it, so that the path always
// leads to a master that listens.
func listen(path string) (*net.UnixListener, uint64, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, 0, fmt.Errorf("%s exists and is not a socket", path)
	}
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	if len(own) >= len(unix.RawSockaddrUnix{}.Path) {
		return nil, 0, fmt.Errorf("%s is too long for a socket's name", path)
	}
	os.Remove(own) // a killed master that had our pid may have left it
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }) // bind gives the file this mode
		return errors.Join(cerr, err)
	}}
	l, err := lc.Listen(context.Background(), "unix", own)
	if err != nil {
		return nil, 0, err
	}
	ln := l.(*net.UnixListener)
	ln.SetUnlinkOnClose(false)
	ino := inode(own)
	if err := os.Rename(own, path); err != nil {
		ln.Close()
		os.Remove(own)
		return nil, 0, err
	}
	return ln, ino, nil
}

func inode(path string) uint64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// sweep removes the sockets in a directory that killed masters have left.
func sweep(dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.sock")) // the pattern is good
	for _, p := range paths {
		c, err := net.Dial("unix", p)
		if err == nil {
			c.Close()
		} else if errors.Is(err, unix.ECONNREFUSED) {
			os.Remove(p)
		}
	}
}

// closeTime is how long Close waits for answers that are being sent.
const closeTime = time.Second

// Close removes the socket, waits up to closeTime until the last answers have been sent,
// and closes all connections. If a newer master has the path, it stays.
func (s *Server) Close() {
	if inode(s.Path) == s.ino { // otherwise a newer master has the path
		os.Remove(s.Path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if s.srv.Shutdown(ctx) != nil {
		s.srv.Close()
	}
}

// peer is the client of a connection: its user, as the kernel tells.
type peer struct {
	uid   uint32
	known bool
	keep  func() // keeps the connection from being closed to make room, until the answer
}

type peerKey struct{}

// withPeer adds the peer of a new connection to its context.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	conn := c.(*bounded.Conn)
	p := peer{keep: conn.Keep}
	if rc, err := conn.Conn.(*net.UnixConn).SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { // fails only on a closed connection
			cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
			if err == nil {
				p.uid, p.known = cred.Uid, true
			}
		})
	}
	return context.WithValue(ctx, peerKey{}, p)
}

func peerOf(r *http.Request) peer { return r.Context().Value(peerKey{}).(peer) }

func handler(m Master) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		peerOf(r).keep()
		s, err := m.Status(r.Context())
		if err == nil {
			for i := range s.Workers {
				s.Workers[i].Memory, _ = Memory(s.Workers[i].Pid) // 0 if the worker has gone
			}
		}
		answer(w, s, err)
	})
	say := func(w http.ResponseWriter, said string, err error) {
		answer(w, map[string]string{"outcome": said}, err)
	}
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		peerOf(r).keep()
		said, err := m.Reload(r.Context())
		say(w, said, err)
	})
	mux.HandleFunc("POST /upgrade", func(w http.ResponseWriter, r *http.Request) {
		peerOf(r).keep()
		said, err := m.Upgrade(r.Context())
		say(w, said, err)
	})
	mux.HandleFunc("POST /scale", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Workers int `json:"workers"`
		}
		if err := read(w, r, &body); err != nil {
			answer(w, nil, err)
			return
		}
		peerOf(r).keep()
		said, err := m.Scale(r.Context(), body.Workers)
		say(w, said, err)
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Quick bool `json:"quick"`
		}
		if err := read(w, r, &body); err != nil {
			answer(w, nil, err)
			return
		}
		peerOf(r).keep()
		said, err := m.Stop(r.Context(), body.Quick)
		say(w, said, err)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, nil, &Failure{http.StatusNotFound, errorbody.Body{Type: "not_found",
			Message: fmt.Sprintf("there is no %s %s here", r.Method, r.URL.Path),
			Hint:    "GET /status, POST /reload, POST /upgrade, POST /scale, POST /stop"}})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := peerOf(r)
		if !p.known || p.uid != 0 && p.uid != uint32(os.Getuid()) {
			answer(w, nil, &Failure{http.StatusForbidden, errorbody.Body{Type: "forbidden",
				Message: fmt.Sprintf("this master belongs to user %d", os.Getuid()), Hint: "ask as that user, or as root"}})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// maxBody is the largest body of a request, in bytes. A real one has some twenty.
const maxBody = 4096

func read(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return &Failure{http.StatusBadRequest, errorbody.Body{Type: "bad_request", Message: "the body is not what is expected: " + err.Error()}}
	}
	return nil
}

func answer(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	if err != nil {
		var f *Failure
		if !errors.As(err, &f) {
			f = Failed("", "%v", err)
		}
		status, body = f.Status, f.Body
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(clientTime)) // fails if the connection is closed already
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the client has gone
}
