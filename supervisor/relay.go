package supervisor

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// tellMetrics answers a worker that asks for the metrics, for one of its clients. The text is
// compressed, so that it fits into one message.
func (c *child) tellMetrics(asked wire.Message) {
	answer := wire.Message{Kind: wire.Metrics, Number: asked.Number}
	r, err := http.NewRequest(http.MethodGet, "/metrics", nil)
	if err != nil {
		answer.Error = err.Error()
	} else {
		r.Header.Set("Accept", asked.Accept)
		r.Header.Set("Accept-Encoding", "gzip")
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		c.s.metrics.ServeHTTP(w, r)
		if answer.ContentType, answer.Body = w.header.Get("Content-Type"), w.body.Bytes(); w.status != http.StatusOK {
			answer.Error, answer.Body = fmt.Sprintf("metrics: %.200s", w.body.String()), nil
		}
	}
	if err := c.Send(answer); err != nil {
		logevent.WorkerDeaf.Log(c.s.log, "cannot tell a worker the metrics", "worker_pid", c.Pid(), "error", err)
	}
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
