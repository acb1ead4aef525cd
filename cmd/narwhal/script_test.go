package main

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/narwhal-server/narwhal/worker"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

// TestMain makes this test binary act as narwhal in two cases: a script runs narwhal, or
// a master under test starts a worker. A master starts its own program file.
func TestMain(m *testing.M) {
	if worker.Spawned() {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"narwhal": main})
}

// TestScript runs scripts that use narwhal as an operator does. Each script has a folder
// of its own, and an environment without narwhal's variables.
func TestScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	models, err := filepath.Abs("../../models") // of the repository
	if err != nil {
		t.Fatal(err)
	}
	if raceDetector {
		scripts = slices.DeleteFunc(scripts, func(path string) bool {
			name := filepath.Base(path)
			return strings.HasPrefix(name, "config_") || strings.HasPrefix(name, "help_")
		})
	}
	testscript.Run(t, testscript.Params{
		Files:         scripts,
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error { // each script also has its own control sockets
			env.Setenv("RUNTIME_DIRECTORY", filepath.Join(env.WorkDir, "run"))
			env.Setenv("MODELS", models)
			return nil
		},
	})
}
