package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/bin"
	"github.com/rs/zerolog"
)

// writeSBOM writes the list of what the program is made of: the modules that Go has recorded
// in it, Go itself, the model and Swagger UI, with their licences. It is the file
// narwhal_….cdx.json, in CycloneDX.
func (p *product) writeSBOM(dir string) error {
	g, err := bin.NewGenerator(p.program, bin.WithLogger(zerolog.Nop()), bin.WithIncludeStdlib(true), bin.WithVersionOverride("v"+p.version))
	if err != nil {
		return err
	}
	bom, err := g.Generate()
	if err != nil {
		return err
	}
	bom.Metadata.Timestamp = p.time.Format(time.RFC3339)
	bom.Metadata.Component.Licenses = spdx([]string{"MIT"})
	for i := range *bom.Components {
		c := &(*bom.Components)[i]
		if c.Name == "std" {
			c.Licenses = spdx(p.parts.goItself.licenses)
		}
		if j := slices.IndexFunc(p.parts.modules, func(m part) bool { return m.name == c.Name }); j >= 0 {
			c.Licenses = spdx(p.parts.modules[j].licenses)
		}
	}
	*bom.Components = append(*bom.Components,
		cyclonedx.Component{
			BOMRef: "model:" + p.parts.model.name, Type: cyclonedx.ComponentTypeMachineLearningModel,
			Name: p.parts.model.name, Version: p.parts.model.version, Author: "Explosion",
			Hashes:   &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: p.parts.modelSum}},
			Licenses: spdx(p.parts.model.licenses),
		},
		cyclonedx.Component{
			BOMRef: "pkg:npm/swagger-ui@" + p.parts.pages.version, Type: cyclonedx.ComponentTypeLibrary,
			Name: "swagger-ui", Version: p.parts.pages.version, PackageURL: "pkg:npm/swagger-ui@" + p.parts.pages.version,
			Licenses: spdx([]string{"Apache-2.0"}),
		})
	f, err := os.Create(filepath.Join(dir, p.name(".cdx.json")))
	if err != nil {
		return err
	}
	defer f.Close()
	e := cyclonedx.NewBOMEncoder(f, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := e.EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return err
	}
	return f.Close()
}

// spdx returns licences by their names in SPDX.
func spdx(names []string) *cyclonedx.Licenses {
	var all cyclonedx.Licenses
	for _, name := range names {
		all = append(all, cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: name}})
	}
	return &all
}
