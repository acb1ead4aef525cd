package web

import "encoding/json"

// The Open Inference Protocol, version 2, as KServe and Triton speak it. oip_infer.go has
// the inference. The model has one input and one output:
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
	name, _, f := s.oipModel(r)
	if f != nil {
		return f
	}
	if err := s.ready(r); err != nil {
		return err
	}
	return r.marshal(struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}{name, true})
}

// oipMetadata answers GET /v2/models/{name}.
func (s *server) oipMetadata(r *request) error {
	name, version, f := s.oipModel(r)
	if f != nil {
		return f
	}
	return r.marshal(struct {
		Name     string      `json:"name"`
		Versions []string    `json:"versions"`
		Platform string      `json:"platform"`
		Inputs   []oipTensor `json:"inputs"`
		Outputs  []oipTensor `json:"outputs"`
	}{name, []string{version}, "narwhal", []oipTensor{{oipInput, "BYTES", []int{-1}}}, []oipTensor{{oipOutput, "BYTES", []int{-1}}}})
}

// oipConfig answers GET /v2/models/{name}/config. The names of its fields and types are
// those of Triton's model configuration. max_batch_size 0 means that dims has every
// dimension.
func (s *server) oipConfig(r *request) error {
	name, _, f := s.oipModel(r)
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
	}{name, "narwhal", 0, []tensor{{oipInput, "TYPE_STRING", []int{-1}}}, []tensor{{oipOutput, "TYPE_STRING", []int{-1}}}})
}

// oipIndex answers POST /v2/repository/index. It does not read the body, which may ask for
// models that are ready: the one model is.
func (s *server) oipIndex(r *request) error {
	type model struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		State   string `json:"state"`
	}
	name, version := nameAndVersion(s.ModelID)
	return r.marshal([]model{{name, version, "READY"}})
}

// oipModel returns the model that the path names. It fails if the service has another one,
// or another version.
func (s *server) oipModel(r *request) (name, version string, f *failure) {
	name, version = nameAndVersion(s.ModelID)
	if asked := r.part("name"); asked != name {
		return "", "", s.noModel(asked)
	}
	if asked := r.part("version"); asked != "" && asked != version {
		return "", "", s.noModel(name + "-" + asked)
	}
	return name, version, nil
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
