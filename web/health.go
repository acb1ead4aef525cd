package web

import "github.com/narwhal-server/narwhal/internal/textjson"

// The health paths wait for their turn like every other request, so they say
// that this worker does its work, and how long it takes to come to it. The
// master answers the same paths on the admin address without any worker.

func (s *server) healthz(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	r.json([]byte(`{"status":"ok"}`))
	return nil
}

func (s *server) readyz(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	if s.gate.Leaving() {
		return errLeaving
	}
	b := append([]byte(`{"status":"ready","model":`), textjson.AppendString(nil, s.Model)...)
	r.json(append(b, '}'))
	return nil
}
