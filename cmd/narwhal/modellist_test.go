package main

import (
	"testing"

	"github.com/narwhal-server/narwhal/internal/model"
)

// A model in the program is used without --model although its name means an installed one.
func TestModelListUsedWhen(t *testing.T) {
	embedded := &model.Model{Name: model.Default}
	installed := &model.Model{Name: model.Default, Path: "models/en_core_web_sm"}
	inProgram := model.Listed{Name: model.Default, Model: embedded, Hidden: true}
	inFolder := model.Listed{Name: model.Default, Dir: installed.Path, Model: installed}
	for _, test := range []struct {
		listed model.Listed
		auto   *model.Model
		want   string
	}{
		{inProgram, embedded, " (used without --model; --model en_core_web_sm means models/en_core_web_sm)"},
		{inFolder, embedded, ""},
		{inFolder, installed, " (used without --model)"},
		{inProgram, installed, " (not used: models/en_core_web_sm comes first)"},
		{inFolder, nil, ""},
	} {
		if got := usedWhen(test.listed, "models/en_core_web_sm", test.auto); got != test.want {
			t.Errorf("%s with auto %v: %q, want %q", test.listed.Dir, test.auto, got, test.want)
		}
	}
}
