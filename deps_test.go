// Package narwhal_test holds the arrows between the packages.
package narwhal_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/narwhal-server/narwhal/"

// arrows say which packages of this module a package may import, and the reason. The
// table of docs/design.md has the same.
var arrows = map[string]struct {
	may string
	why string
}{
	"cmd/narwhal": {"config supervisor worker web ner ner/spacy ner/prose ner/kernel internal/share internal/model internal/bench internal/logfile internal/gate internal/control internal/pidfile", "it joins them"},

	"supervisor": {"internal/wire internal/board internal/park internal/pidfile internal/sock internal/sdnotify internal/control internal/share internal/http1 internal/bounded internal/threads internal/logevent", "a library: it knows no HTTP server, no model and no configuration file"},
	"worker":     {"internal/wire internal/board internal/park internal/sock internal/gate internal/http1 internal/threads", "a library: master and worker meet in internal/wire only, as two processes should"},
	"config":     {"internal/folder internal/sock internal/regular", "settings are plain data; addresses have one parser"},
	"web":        {"ner internal/gate internal/http1", "cmd decides which recognizer"},

	"ner":             {"", "the words of the domain"},
	"ner/spacy":       {"ner ner/kernel internal/model", "an engine anybody can import; pipelines are found by name in one way"},
	"ner/prose":       {"ner", "an engine anybody can import"},
	"ner/kernel":      {"", "loops over floats"},
	"ner/kernel/peak": {"ner/kernel", "measures them"},

	"internal/board":    {"", "a leaf"},
	"internal/wire":     {"", "a leaf"},
	"internal/folder":   {"", "a leaf"},
	"internal/sock":     {"internal/folder", "a socket's file has a folder"},
	"internal/logfile":  {"internal/regular", "a log can be many things, but not everything"},
	"internal/regular":  {"", "a leaf"},
	"internal/threads":  {"", "a leaf"},
	"internal/logevent": {"", "a leaf"},
	"internal/sdnotify": {"", "a leaf"},
	"internal/control":  {"internal/bounded internal/pidfile", "few clients at once, and a master is found by its pid file too"},
	"internal/bounded":  {"", "a leaf"},
	"internal/pidfile":  {"internal/folder", "the same"},
	"internal/park":     {"", "a leaf"},
	"internal/http1":    {"", "a leaf"},
	"internal/gate":     {"internal/board internal/park internal/sock internal/http1", "reads requests, writes the worker's line, passes idle connections on, and asks how long a queue is"},
	"internal/share":    {"", "a leaf"},
	"internal/model":    {"", "files and hashes; what runs them is the caller's"},
	"internal/bench":    {"", "a client knows nothing of the server"},

	"scripts/internal/proc":   {"", "a leaf"},
	"scripts/internal/client": {"", "a leaf: a client sees a server only from outside"},
	"scripts/internal/stats":  {"", "a leaf"},
	"scripts/internal/server": {"internal/control scripts/internal/proc", "it asks the master when all workers serve"},

	"scripts/chaos":        {"internal/logevent scripts/internal/proc scripts/internal/client scripts/internal/stats", "a client; it sees narwhal from outside, and its log"},
	"scripts/compare":      {"internal/bench scripts/internal/proc scripts/internal/client scripts/internal/stats", "a tool"},
	"scripts/embedmodel":   {"internal/model", "a tool"},
	"scripts/parity":       {"ner ner/spacy ner/prose internal/model", "a tool"},
	"scripts/fairness":     {"internal/bench scripts/internal/client scripts/internal/server", "a tool"},
	"scripts/systemd/load": {"scripts/internal/client", "a client"},
	"scripts/measure":      {"ner/spacy ner/kernel internal/bench scripts/internal/proc scripts/internal/server", "a tool"},
}

// notInBinary are packages that only tests and tools need. The program must not contain
// them.
var notInBinary = []string{"github.com/rogpeppe/", "github.com/google/go-cmp", "testing", "github.com/mmcloughlin/"}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestArrows(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		f := strings.Fields(line)
		pkg, ok := strings.CutPrefix(f[0], module)
		if !ok {
			continue // this test's own package
		}
		rule, ok := arrows[pkg]
		if !ok {
			t.Errorf("%s has no line in arrows: which packages may it import?", pkg)
			continue
		}
		for _, imp := range f[1:] {
			imp, ours := strings.CutPrefix(imp, module)
			if ours && !slices.Contains(strings.Fields(rule.may), imp) {
				t.Errorf("%s imports %s, and must not: %s", pkg, imp, rule.why)
			}
		}
	}
}

func TestBinaryCarriesNoTestTools(t *testing.T) {
	for _, dep := range list(t, "-deps", "./cmd/narwhal") {
		for _, bad := range notInBinary {
			if strings.HasPrefix(dep, bad) {
				t.Errorf("the binary carries %s", dep)
			}
		}
	}
}
