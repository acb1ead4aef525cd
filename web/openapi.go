package web

import _ "embed"

// openAPI describes the service in OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

func (s *server) openapi(r *request) error {
	r.json(openAPI)
	return nil
}
