package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner/kernel"
)

// version and commit are set by the linker: go build -ldflags "-X main.version=v1.2.3".
// They override what Go records in the program. scripts/release sets both, because Go
// records a commit only where it finds the folder .git. Then the same source in another
// folder would be another program.
var (
	version string
	commit  string // and its day, such as "1d06414 of 2026-11-29"
)

// versionText returns what narwhal --version prints.
func versionText() string {
	return fmt.Sprintf("%s%s %s/%s\n%s\n", release(version, commit, buildInfo()), runtime.Version(), runtime.GOOS, runtime.GOARCH, builtIn())
}

// versionCommand returns the command that prints what --version prints.
func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version, the commit and the built-in model",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{what: "version takes no argument"}
			}
			_, err := io.WriteString(c.App.Writer, versionText())
			return err
		},
	}
}

// buildInfo returns what Go has recorded in the program, or an empty record.
func buildInfo() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return new(debug.BuildInfo)
}

// release returns a line that names the version, and one that names the commit if the
// linker has set it or Go has recorded it. Go records the version of a module that it downloads, as go install does
// with …@latest. In a git checkout Go makes up a version from the last tag and the
// commit. Without git there is neither.
func release(version, commit string, info *debug.BuildInfo) string {
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	text := "narwhal " + releaseNumber(version, info) + "\n"
	if commit != "" {
		return text + "commit " + commit + "\n"
	}
	commit = vcs["vcs.revision"]
	if commit == "" {
		return text
	}
	day, _, _ := strings.Cut(vcs["vcs.time"], "T")
	text += "commit " + commit
	if day != "" {
		text += " of " + day
	}
	if vcs["vcs.modified"] == "true" {
		text += ", with changes that are not committed"
	}
	return text + "\n"
}

// releaseNumber returns the version that the linker has set, or else the one that Go has
// recorded.
func releaseNumber(version string, info *debug.BuildInfo) string {
	if version == "" {
		version = info.Main.Version
	}
	if version == "" || version == "(devel)" {
		return "(development)"
	}
	return version
}

// buildLabels returns the labels of the metric narwhal_build_info, without the model.
func buildLabels() map[string]string {
	info := buildInfo()
	labels := map[string]string{"version": releaseNumber(version, info), "goversion": runtime.Version(), "goarch": runtime.GOARCH, "simd": kernel.Variant()}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			labels["commit"] = s.Value
		}
	}
	return labels
}

// builtIn names the pipeline that is built into the program, or says that there is only
// prose.
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
