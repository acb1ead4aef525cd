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

// Server is the socket of a master.
type Server struct {
	Path string
	ino  uint64
	srv  *http.Server
}

// Auto stands for a socket in the runtime directory.
const Auto = "auto"

// clientTime is how long a client may take for its request, for reading the
// answer, and between two requests. There is no limit for the answer itself,
// which waits for the outcome.
const clientTime = 10 * time.Second

// Serve opens the socket, at a path or where Auto puts it, and answers for m. It
// has at most so many connections. At that number the one that has sent no whole
// request for longest makes room.
// A path at which another master answers is taken from it: that is how the new
// master of an upgrade gets it.
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

// listen binds under another name and renames, so that the path always leads to
// a master that listens.
func listen(path string) (*net.UnixListener, uint64, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, 0, fmt.Errorf("%s exists and is not a socket", path)
	}
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	if len(own) >= len(unix.RawSockaddrUnix{}.Path) {
		return nil, 0, fmt.Errorf("%s is too long for a socket's name", path)
	}
	os.Remove(own) // of a master that was killed and had our pid
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

// sweep removes the sockets of masters that were killed.
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

// closeTime is for answers that are being sent when the master ends.
const closeTime = time.Second

// Close ends the socket when the answers that are due have been sent.
func (s *Server) Close() {
	if inode(s.Path) == s.ino { // or a newer master has the path
		os.Remove(s.Path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if s.srv.Shutdown(ctx) != nil {
		s.srv.Close()
	}
}

// peer is who asks, as the kernel tells it, and on which connection.
type peer struct {
	uid   uint32
	known bool
	keep  func() // the request is there whole; its answer may take long
}

type peerKey struct{}

// withPeer notes who connects.
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
				s.Workers[i].Memory, _ = Memory(s.Workers[i].Pid) // 0 if it has gone
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

// maxBody of a request; the largest there is has some twenty bytes.
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
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(clientTime)) // the connection can be closed already
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}
