package web

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"
)

// metricsTime is how long the master may take to tell its metrics.
const metricsTime = 5 * time.Second

// metrics answers with the metrics of the whole service, which the master tells.
func (s *server) metrics(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), metricsTime)
	defer cancel()
	contentType, text, err := s.Metrics(ctx, string(r.Request.Header.Peek(fasthttp.HeaderAccept)))
	if err != nil {
		s.Log.Warn("no metrics", "err", err, "request_id", requestID(r.RequestCtx))
		return &failure{503, "not_ready", "the master does not tell its metrics now", "try again in a second; the log of the service has the reason"}
	}
	r.vary(fasthttp.HeaderAccept)
	r.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	r.Response.Header.SetContentType(contentType)
	r.Response.SetBodyRaw(text)
	return nil
}

// routeOf returns the route of a path, nil if this service has none.
func (s *server) routeOf(path string) *route {
	route := find(path)
	if route != nil && route.optional && s.Metrics == nil {
		return nil
	}
	return route
}
