package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/narwhal-server/narwhal/internal/model"
)

// version is set by the linker: go build -ldflags "-X main.version=v1.2.3".
// Otherwise what Go has stamped into the binary is shown.
var version string

func versionText() string {
	v := version
	if v == "" {
		v = "(development)"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
	}
	return fmt.Sprintf("narwhal %s\n%s %s/%s\n%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH, builtIn())
}

// builtIn names the pipeline that is a part of this file, if one is.
func builtIn() string {
	places := model.Standard()
	places.Local, places.User, places.System = "", "", ""
	models, err := places.List()
	if err != nil {
		return fmt.Sprintf("built-in model: %v", err)
	}
	if len(models) == 0 {
		return "built-in model: prose; no spaCy pipeline is built in"
	}
	m := models[0] // a program has one at most
	if m.Err != nil {
		return fmt.Sprintf("built-in model: %s, broken: %v", m.Name, m.Err)
	}
	meta, err := m.Model.Meta()
	if err != nil {
		return fmt.Sprintf("built-in model: %s, broken: %v", m.Name, err)
	}
	return fmt.Sprintf("built-in model: %s %s", m.Name, meta.Version)
}
