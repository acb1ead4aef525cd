package web

import "encoding/json"

// The Open Inference Protocol, version 2, as KServe and Triton speak it. oip_infer.go has
// the inference. Every model has one input and one output:
//
//	text      BYTES [-1]  texts in UTF-8
//	entities  BYTES [-1]  for each text the JSON that /v1/entities answers for it

const (
	oipInput  = "text"
	oipOutput = "entities"
)

// oipExtensions are the extensions of the protocol that the service has, by Triton's
// names.
var oipExtensions = []string{"binary_tensor_data", "model_configuration", "statistics"}

// oipTensor describes an input or an output.
type oipTensor struct {
	Name     string `json:"name"`
	DataType string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

// oipServer answers GET /v2.
func (s *server) oipServer(r *request) error {
	return r.marshal(struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}{"narwhal", s.Version, oipExtensions})
}

// oipLive answers GET /v2/health/live.
func (s *server) oipLive(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	r.json([]byte(`{"live":true}`))
	return nil
}

// oipReady answers GET /v2/health/ready.
func (s *server) oipReady(r *request) error {
	if err := s.ready(r); err != nil {
		return err
	}
	r.json([]byte(`{"live":true,"ready":true}`))
	return nil
}

// oipModelReady answers GET /v2/models/{name}/ready.
func (s *server) oipModelReady(r *request) error {
	m, f := s.oipModel(r)
	if f != nil {
		return f
	}
	if err := s.ready(r); err != nil {
		return err
	}
	return r.marshal(struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}{m.name, true})
}

// oipMetadata answers GET /v2/models/{name}.
func (s *server) oipMetadata(r *request) error {
	m, f := s.oipModel(r)
	if f != nil {
		return f
	}
	var versions []string
	for _, other := range s.models {
		if other.name == m.name {
			versions = append(versions, other.version)
		}
	}
	return r.marshal(struct {
		Name     string      `json:"name"`
		Versions []string    `json:"versions"`
		Platform string      `json:"platform"`
		Inputs   []oipTensor `json:"inputs"`
		Outputs  []oipTensor `json:"outputs"`
	}{m.name, versions, "narwhal", []oipTensor{{oipInput, "BYTES", []int{-1}}}, []oipTensor{{oipOutput, "BYTES", []int{-1}}}})
}

// oipConfig answers GET /v2/models/{name}/config. The names of its fields and types are
// those of Triton's model configuration. max_batch_size 0 means that dims has every
// dimension.
func (s *server) oipConfig(r *request) error {
	m, f := s.oipModel(r)
	if f != nil {
		return f
	}
	type tensor struct {
		Name     string `json:"name"`
		DataType string `json:"data_type"`
		Dims     []int  `json:"dims"`
	}
	return r.marshal(struct {
		Name         string   `json:"name"`
		Platform     string   `json:"platform"`
		MaxBatchSize int      `json:"max_batch_size"`
		Input        []tensor `json:"input"`
		Output       []tensor `json:"output"`
	}{m.name, "narwhal", 0, []tensor{{oipInput, "TYPE_STRING", []int{-1}}}, []tensor{{oipOutput, "TYPE_STRING", []int{-1}}}})
}

// oipIndex answers POST /v2/repository/index. It does not read the body, which may ask for
// models that are ready: all are.
func (s *server) oipIndex(r *request) error {
	type entry struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		State   string `json:"state"`
	}
	var all []entry
	for _, m := range s.models {
		all = append(all, entry{m.name, m.version, "READY"})
	}
	return r.marshal(all)
}

// oipModel returns the model that the path names. Without a version it is the first one of
// that name.
func (s *server) oipModel(r *request) (*model, *failure) {
	name, version := r.part("name"), r.part("version")
	for _, m := range s.models {
		if m.name == name && (version == "" || m.version == version) {
			return m, nil
		}
	}
	if version != "" {
		name += "-" + version
	}
	return nil, s.noModel(name)
}

// marshal makes v, as JSON, the body of the response.
func (r *request) marshal(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.json(b)
	return nil
}
