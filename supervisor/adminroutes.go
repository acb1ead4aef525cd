package supervisor

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/narwhal-server/narwhal/internal/errorbody"
	"github.com/narwhal-server/narwhal/internal/livepage"
	"github.com/narwhal-server/narwhal/internal/requestid"
)

// adminRoutes answers the paths of the admin address. status is for the page.
func adminRoutes(ready *atomic.Bool, metrics, status http.Handler) http.HandlerFunc {
	routes := map[string]http.HandlerFunc{
		"/healthz": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, []byte(`{"status":"ok"}`))
		},
		"/readyz": func(w http.ResponseWriter, _ *http.Request) {
			if !ready.Load() {
				refuse(w, http.StatusServiceUnavailable, "not_ready", "the service is not ready", "the service is starting or stopping; the log says which")
				return
			}
			answer(w, http.StatusOK, []byte(`{"status":"ready"}`))
		},
		"/metrics": metrics.ServeHTTP,
		"/status":  status.ServeHTTP,
	}
	for _, path := range livepage.Paths {
		routes[path] = livepage.Handler(path)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		handle := routes[r.URL.Path]
		server := r.Method == http.MethodOptions && (r.URL.Path == "*" || r.URL.Path == "") // OPTIONS of the whole server
		if handle == nil && !server {
			refuse(w, http.StatusNotFound, "not_found", fmt.Sprintf("there is no %.100q here", r.URL.Path), "ask for /healthz, /readyz or /metrics; the page is at /")
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			handle(w, r)
		case http.MethodOptions:
			w.Header().Set("Allow", adminMethods)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", adminMethods)
			refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", fmt.Sprintf("%s does not take %.32s, want GET", r.URL.Path, r.Method), "use GET")
		}
	}
}

const adminMethods = "GET, HEAD, OPTIONS"

// refuse answers with an error in JSON. The answer's header must have its request id
// already.
func refuse(w http.ResponseWriter, status int, kind, message, hint string) {
	body := errorbody.Body{Message: message, Type: kind, Hint: hint, RequestID: w.Header().Get(requestid.Header)}
	answer(w, status, body.Append(nil))
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone if this fails
}
