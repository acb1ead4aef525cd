package supervisor

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/internal/sock"
)

// admin is the master's own HTTP server. It never touches a worker, so it
// answers however busy they are.
type admin struct {
	srv  *http.Server
	sock *sock.Socket
}

func startAdmin(bind string, ready *atomic.Bool, log *slog.Logger) (*admin, error) {
	a, err := sock.Parse(bind, "")
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	s, err := sock.Open(a, 128)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	ln, err := net.FileListener(s.File)
	if err != nil {
		s.Close()
		s.Unlink()
		return nil, fmt.Errorf("admin: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready.Load() {
			answer(w, http.StatusOK, map[string]any{"status": "ready"})
			return
		}
		answer(w, http.StatusServiceUnavailable, map[string]any{
			"error": "no worker is ready", "error_type": "not_ready",
			"hint": "the service is starting or stopping; the log says which", "request_id": "",
		})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusNotFound, map[string]any{
			"error": fmt.Sprintf("there is no %s here", r.URL.Path), "error_type": "not_found",
			"hint": "ask for /healthz or /readyz", "request_id": "",
		})
	})
	adm := &admin{sock: s, srv: &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go adm.srv.Serve(ln) // returns when it is closed
	log.Info("admin", "address", s.Addr.String())
	return adm, nil
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone if this fails
}

func (a *admin) close() {
	a.srv.Close()
	a.sock.Unlink()
	a.sock.Close()
}
