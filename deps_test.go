// Package narwhal_test checks which packages import which.
package narwhal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/narwhal-server/narwhal/"

// arrows says which packages of this module a package may import, and why. The table in
// docs/design.md must say the same.
var arrows = map[string]struct {
	may string
	why string
}{
	"cmd/narwhal": {"config supervisor worker web ner ner/spacy ner/prose ner/kernel internal/share internal/model internal/install internal/bench internal/logfile internal/gate internal/control internal/pidfile internal/textjson internal/errorbody internal/logevent internal/cgroup", "it joins them"},

	"supervisor": {"internal/wire internal/board internal/metrics internal/park internal/pidfile internal/sock internal/sdnotify internal/control internal/share internal/http1 internal/errorbody internal/requestid internal/bounded internal/threads internal/logevent internal/livepage internal/cgroup internal/statsd limits", "a library: it knows no HTTP server, no model and no configuration file"},
	"worker":     {"internal/wire internal/board internal/metrics internal/park internal/sock internal/gate internal/threads internal/logevent limits", "a library: master and worker meet in internal/wire only, as two processes should"},
	"config":     {"internal/folder internal/sock internal/regular limits internal/accesslog internal/peers internal/tokens internal/certs internal/statsd", "settings are plain data; addresses have one parser"},
	"web":        {"limits ner web/page internal/gate internal/metrics internal/http1 internal/textjson internal/errorbody internal/requestid internal/accesslog internal/peers internal/proxyproto internal/tokens", "cmd decides which recognizer"},

	"web/page":            {"", "files for browsers"},
	"limits":              {"", "what master and worker are told alike"},
	"ner":                 {"", "the words of the domain"},
	"ner/spacy":           {"ner ner/kernel ner/spacy/matcher ner/spacy/tokenizer internal/model internal/morph internal/pipeline internal/msgpack", "an engine anybody can import; pipelines are found by name in one way"},
	"ner/spacy/matcher":   {"internal/morph internal/pyregexp ner ner/spacy/tokenizer", "patterns of tokens; what an entity is, the caller knows"},
	"ner/spacy/tokenizer": {"internal/msgpack internal/pyregexp", "texts to tokens; networks are the caller's"},
	"ner/prose":           {"ner", "an engine anybody can import"},
	"ner/kernel":          {"", "loops over floats"},
	"ner/kernel/peak":     {"ner/kernel", "measures them"},

	"internal/accesslog":  {"", "a leaf"},
	"internal/cgroup":     {"", "a leaf"},
	"internal/board":      {"internal/metrics", "each worker has a page of counters behind its line"},
	"internal/metrics":    {"", "a leaf: names and numbers, no format"},
	"internal/wire":       {"limits", "the hello has them"},
	"internal/folder":     {"", "a leaf"},
	"internal/sock":       {"internal/folder", "a socket's file has a folder"},
	"internal/logfile":    {"internal/regular", "a log can be many things, but not everything"},
	"internal/regular":    {"", "a leaf"},
	"internal/threads":    {"", "a leaf"},
	"internal/logevent":   {"", "a leaf"},
	"internal/livepage":   {"", "files for browsers"},
	"internal/sdnotify":   {"", "a leaf"},
	"internal/control":    {"internal/bounded internal/pidfile internal/errorbody", "few clients at once, and a master is found by its pid file too"},
	"internal/bounded":    {"", "a leaf"},
	"internal/pidfile":    {"internal/folder", "the same"},
	"internal/park":       {"internal/logevent", "what it loses is an event"},
	"internal/http1":      {"", "a leaf"},
	"internal/textjson":   {"ner", "texts in, entities out"},
	"internal/errorbody":  {"", "a leaf"},
	"internal/requestid":  {"", "a leaf"},
	"internal/gate":       {"internal/board internal/metrics internal/park internal/sock internal/http1 internal/peers internal/proxyproto limits", "reads requests, writes the worker's line, passes idle connections on, and asks how long a queue is"},
	"internal/share":      {"internal/wire", "by which descriptors a worker has them"},
	"internal/model":      {"internal/pipeline", "files and hashes; what runs them is the caller's, and nothing here installs"},
	"internal/install":    {"internal/model internal/pipeline", "it installs where internal/model finds"},
	"internal/morph":      {"", "a leaf"},
	"internal/pipeline":   {"", "a leaf"},
	"internal/pyregexp":   {"", "a leaf"},
	"internal/msgpack":    {"", "a leaf"},
	"internal/bench":      {"", "a client knows nothing of the server"},
	"internal/certs":      {"internal/regular", "a certificate is in a regular file"},
	"internal/peers":      {"", "a leaf"},
	"internal/proxyproto": {"", "a leaf"},
	"internal/statsd":     {"", "a leaf"},
	"internal/tokens":     {"internal/regular", "a file of tokens is a regular file"},

	"internal/model/modeltest":   {"", "a leaf, for tests"},
	"internal/certs/certstest":   {"", "a leaf, for tests"},
	"internal/cgroup/cgrouptest": {"", "a leaf, for tests"},

	"internal/doctable":              {"", "a leaf, for tests"},
	"internal/logevent/logeventtest": {"internal/logevent", "checks lines of a log, for tests"},

	"scripts/internal/cases":   {"", "a leaf"},
	"scripts/internal/proc":    {"", "a leaf"},
	"scripts/internal/client":  {"", "a leaf: a client sees a server only from outside"},
	"scripts/internal/stats":   {"", "a leaf"},
	"scripts/internal/waiting": {"internal/bench scripts/internal/stats", "the client's times, and the ideal queue's"},
	"scripts/internal/server":  {"internal/control scripts/internal/proc", "it asks the master when all workers serve"},
	"internal/http1/cases":     {"", "bytes for tests"},

	"scripts/chaos":             {"internal/logevent scripts/internal/proc scripts/internal/client scripts/internal/stats", "a client; it sees narwhal from outside, and its log"},
	"scripts/compare":           {"internal/bench scripts/internal/proc scripts/internal/client scripts/internal/stats scripts/internal/waiting", "a tool"},
	"scripts/embedmodel":        {"internal/model internal/install", "a tool"},
	"scripts/parity":            {"ner ner/spacy ner/prose internal/model", "a tool"},
	"scripts/fairness":          {"internal/bench scripts/internal/client scripts/internal/proc scripts/internal/server scripts/internal/stats scripts/internal/waiting", "a tool"},
	"scripts/systemd/load":      {"scripts/internal/client", "a client"},
	"scripts/prometheus":        {"", "tests of files for operators"},
	"scripts/measure":           {"ner ner/spacy ner/kernel internal/bench scripts/internal/client scripts/internal/proc scripts/internal/server", "a tool"},
	"scripts/nodes/load":        {"scripts/internal/client", "a client"},
	"scripts/parity/rulers":     {"ner/spacy scripts/internal/cases", "a tool"},
	"scripts/parity/tokenizers": {"ner/spacy/tokenizer internal/pyregexp scripts/internal/cases", "a tool"},
	"scripts/parity/docs":       {"ner ner/spacy internal/textjson", "a tool"},
	"scripts/sizing":            {"", "arithmetic"},
}

// notInBinary are packages that only tests and tools need. The program must not contain
// them.
var notInBinary = []string{"github.com/rogpeppe/", "github.com/google/go-cmp", "github.com/getkin/", "github.com/santhosh-tekuri/", "testing", "github.com/mmcloughlin/"}

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

// notInEngine are packages that the engine does not need, and that a program would carry if
// it did: they fetch and install pipelines.
var notInEngine = []string{"net/http", "os/exec", "github.com/schollz/"}

func TestEngineCarriesNoInstaller(t *testing.T) {
	for _, dep := range list(t, "-deps", "./ner/spacy") {
		for _, bad := range notInEngine {
			if strings.HasPrefix(dep, bad) {
				t.Errorf("ner/spacy carries %s", dep)
			}
		}
	}
}

// notInWorker are packages that only the master needs. The packages of a worker only count.
var notInWorker = []string{"github.com/prometheus/", "google.golang.org/protobuf"}

func TestWorkerCarriesNoExporter(t *testing.T) {
	for _, pkg := range []string{"./worker", "./web", "./internal/gate"} {
		for _, dep := range list(t, "-deps", pkg) {
			for _, bad := range notInWorker {
				if strings.HasPrefix(dep, bad) {
					t.Errorf("%s carries %s", pkg, dep)
				}
			}
		}
	}
}

// public are the packages that other modules import.
var public = []string{"limits", "supervisor", "worker", "web", "ner", "ner/spacy", "ner/prose"}

// A program that imports a public package can name every type in that package's exported
// declarations.
func TestSignaturesNeedNoInternalPackage(t *testing.T) {
	for _, pkg := range public {
		names, err := filepath.Glob(pkg + "/*.go")
		if err != nil || len(names) == 0 {
			t.Fatal(pkg, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range internalInSignatures(t, name, src) {
				t.Errorf("%s: an exported declaration has %s", name, found)
			}
		}
	}
}

func TestInternalInSignatures(t *testing.T) {
	const src = `package p
import ("x/internal/gate"; h "x/internal/http1"; "net")
var V, w gate.A
type T struct { F *gate.B; g gate.C }
type i interface { M(gate.D) }
type A = h.E
func F(net.Conn) []h.F { return gate.G() }
func f(gate.H) {}
func (T) M(map[string]gate.I) {}
func (T) m(gate.J) {}
func (u) M(gate.K) {}
type u int`
	want := []string{"gate.A", "gate.B", "h.E", "h.F", "gate.I"}
	if got := internalInSignatures(t, "p.go", []byte(src)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// internalInSignatures lists the names of internal packages in a file's exported
// declarations.
func internalInSignatures(t *testing.T, name string, src []byte) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	internal := map[string]bool{}
	for _, imp := range file.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		if !strings.Contains(path, "internal/") {
			continue
		}
		as := filepath.Base(path)
		if imp.Name != nil {
			as = imp.Name.Name
		}
		internal[as] = true
	}
	ast.FileExports(file)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			return false
		case *ast.FuncDecl:
			if n.Recv != nil && !exported(n.Recv.List[0].Type) {
				return false
			}
		case *ast.ValueSpec: // without a type, the text does not tell the value's type
			if n.Type == nil {
				return false
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && internal[x.Name] {
				found = append(found, x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

// exported reports whether the type of a receiver is exported.
func exported(receiver ast.Expr) bool {
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}
