package web

import (
	"encoding/json"
	"fmt"
	"sync"
)

// ModelInfo describes a model for GET /v1/models. What is not known is left empty, and is
// left out of the answer.
type ModelInfo struct {
	Name     string // en_core_web_sm
	Version  string // 3.8.0
	Language string // en
	Labels   []string
	License  string
	Author   string
	Source   string // where its files are
	Without  []string
	SIMD     string // the instructions that compute it: avx512, avx2 or generic
	Files    []ModelFile
}

// ModelFile is a file of a model.
type ModelFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
}

// modelAnswer is a model in the answer of GET /v1/models.
type modelAnswer struct {
	ID       string        `json:"id"`
	Name     string        `json:"name,omitempty"`
	Version  string        `json:"version,omitempty"`
	Language string        `json:"language,omitempty"`
	Labels   []labelAnswer `json:"labels"`
	License  string        `json:"license,omitempty"`
	Author   string        `json:"author,omitempty"`
	Source   string        `json:"source,omitempty"`
	Without  []string      `json:"without,omitempty"`
	SIMD     string        `json:"simd,omitempty"`
	Files    []ModelFile   `json:"files,omitempty"`
}

type labelAnswer struct {
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
}

// modelsAnswer has the answer of GET /v1/models, once it was made.
type modelsAnswer struct {
	mu   sync.Mutex
	body []byte
}

// v1Models answers GET /v1/models: the models with their labels and files, the default one
// first. The first request holds its place until the files are hashed.
func (s *server) v1Models(r *request) error {
	if err := r.gate.Enter(); err != nil {
		return err
	}
	s.info.mu.Lock()
	defer s.info.mu.Unlock()
	if s.info.body == nil {
		var all []modelAnswer
		for _, m := range s.models {
			described, err := m.describe()
			if err != nil {
				return fmt.Errorf("describe model %s: %w", m.ID, err)
			}
			all = append(all, described)
		}
		var err error
		s.info.body, err = json.Marshal(struct {
			Models []modelAnswer `json:"models"`
		}{all})
		if err != nil {
			return err
		}
	}
	r.json(s.info.body)
	return nil
}

// describe returns what GET /v1/models answers about the model.
func (m *model) describe() (modelAnswer, error) {
	info := ModelInfo{}
	if m.Describe != nil {
		var err error
		if info, err = m.Describe(); err != nil {
			return modelAnswer{}, err
		}
	}
	labels := make([]labelAnswer, len(info.Labels))
	for i, l := range info.Labels {
		labels[i] = labelAnswer{l, glossary[l]}
	}
	return modelAnswer{m.ID, info.Name, info.Version, info.Language, labels, info.License, info.Author, info.Source, info.Without, info.SIMD, info.Files}, nil
}

// glossary has what spacy.explain says about the labels of entities.
var glossary = map[string]string{
	"PERSON":      "People, including fictional",
	"NORP":        "Nationalities or religious or political groups",
	"FACILITY":    "Buildings, airports, highways, bridges, etc.",
	"FAC":         "Buildings, airports, highways, bridges, etc.",
	"ORG":         "Companies, agencies, institutions, etc.",
	"GPE":         "Countries, cities, states",
	"LOC":         "Non-GPE locations, mountain ranges, bodies of water",
	"PRODUCT":     "Objects, vehicles, foods, etc. (not services)",
	"EVENT":       "Named hurricanes, battles, wars, sports events, etc.",
	"WORK_OF_ART": "Titles of books, songs, etc.",
	"LAW":         "Named documents made into laws.",
	"LANGUAGE":    "Any named language",
	"DATE":        "Absolute or relative dates or periods",
	"TIME":        "Times smaller than a day",
	"PERCENT":     `Percentage, including "%"`,
	"MONEY":       "Monetary values, including unit",
	"QUANTITY":    "Measurements, as of weight or distance",
	"ORDINAL":     `"first", "second", etc.`,
	"CARDINAL":    "Numerals that do not fall under another type",
	"PER":         "Named person or family.",
	"MISC":        "Miscellaneous entities, e.g. events, nationalities, products or works of art",
}
