package web

import "github.com/narwhal-server/narwhal/internal/textjson"

// A request for a health path waits for a place like any other request. So its answer
// shows that this worker computes, and its time shows how long requests wait. The master
// answers the same paths on the admin address without a worker.

func (s *server) healthz(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	r.json([]byte(`{"status":"ok"}`))
	return nil
}

func (s *server) readyz(r *request) error {
	if err := s.ready(r); err != nil {
		return err
	}
	b := append([]byte(`{"status":"ready","model":`), textjson.AppendString(nil, s.Model)...)
	r.json(append(b, '}'))
	return nil
}

// ready waits for the request's place. It fails if the worker is about to stop.
func (s *server) ready(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	if s.gate.Leaving() {
		return errLeaving
	}
	return nil
}
