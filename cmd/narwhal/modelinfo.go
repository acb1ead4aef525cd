package main

import (
	"slices"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/web"
)

// modelInfo describes the model of an open recognizer for GET /v1/models. m is nil for
// prose. It reads all files of the model.
func modelInfo(m *model.Model, rec ner.Recognizer, exclude []string) (web.ModelInfo, error) {
	labeled := rec.(interface{ Labels() []string })
	if m == nil {
		return web.ModelInfo{Name: proseModel, Language: "en", Labels: labeled.Labels(), License: "MIT", Author: "Joseph Kato", Source: "this program"}, nil
	}
	meta, err := m.Meta()
	if err != nil {
		return web.ModelInfo{}, err
	}
	info := web.ModelInfo{
		Name: meta.Lang + "_" + meta.Name, Version: meta.Version, Language: meta.Lang, License: meta.License, Author: meta.Author,
		Labels: slices.Sorted(slices.Values(labeled.Labels())), Source: where(m), Without: slices.Compact(slices.Sorted(slices.Values(exclude))), SIMD: kernel.Variant(),
	}
	if r := m.Release(); r != nil {
		info.Name = r.Name
	}
	files, err := m.Hashes()
	for _, f := range files {
		info.Files = append(info.Files, web.ModelFile{Path: f.Path, Size: f.Size, SHA256: f.SHA256})
	}
	return info, err
}
