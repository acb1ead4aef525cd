package logevent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// folders are the packages whose lines are those of a master or a worker. Package web
// logs only about single requests and connections.
var folders = []string{"supervisor", "worker", "cmd/narwhal", "internal/park"}

// Every line of a master or a worker is an event of the table, with the fields that the
// table names, and every event of the table is logged somewhere.
func TestEveryLineIsAnEvent(t *testing.T) {
	found := map[Name][]call{}
	for _, folder := range folders {
		files, err := filepath.Glob("../../" + folder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(folder, files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			calls, plain := callsIn(t, file, nil)
			for _, at := range plain {
				t.Errorf("%s: a line that is not an event of internal/logevent: use Name.Log, or level debug", at)
			}
			for _, c := range calls {
				found[c.event] = append(found[c.event], c)
			}
		}
	}
	for _, e := range Table {
		must, may := strings.Fields(e.Fields), strings.Fields(e.May)
		calls := found[e.Name]
		delete(found, e.Name)
		if len(calls) == 0 {
			t.Errorf("%s: nothing logs it", e.Name)
		}
		used := map[string]bool{}
		for _, c := range calls {
			for i, f := range c.fields {
				if slices.Contains(c.fields[:i], f) {
					t.Errorf("%s: %s has the field %s twice", c.at, e.Name, f)
				}
				if !slices.Contains(must, f) && !slices.Contains(may, f) {
					t.Errorf("%s: %s has the field %s, which the table does not name", c.at, e.Name, f)
				}
				used[f] = true
			}
			for _, f := range must {
				if !slices.Contains(c.fields, f) {
					t.Errorf("%s: %s lacks the field %s", c.at, e.Name, f)
				}
			}
		}
		for _, f := range may {
			if !used[f] {
				t.Errorf("%s: no line has the field %s", e.Name, f)
			}
		}
	}
	for name, calls := range found {
		t.Errorf("%s: the table has no event %q", calls[0].at, name)
	}
}

// call is a call that logs an event.
type call struct {
	at     string
	event  Name
	fields []string
}

// plainMethods are the methods of slog.Logger that write a line of level info or above, or of
// any level.
var plainMethods = map[string]bool{"Info": true, "Warn": true, "Error": true, "Log": true, "LogAttrs": true,
	"InfoContext": true, "WarnContext": true, "ErrorContext": true}

// callsIn returns the calls in a file that log an event, and the places of other calls that
// write a line. The source is src, or the file if src is nil.
func callsIn(t *testing.T, file string, src any) (calls []call, plain []string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := names(t)
	ast.Inspect(parsed, func(n ast.Node) bool {
		x, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := x.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		c := call{at: set.Position(x.Pos()).String()}
		args := x.Args
		switch event := nameOf(method.X); {
		case method.Sel.Name == "Log" && event != "": // event.Log(logger, message, …)
			c.event, args = values[event], args[1:]
			if src, ok := x.Args[0].(*ast.SelectorExpr); ok && parsed.Name.Name == "worker" && src.Sel.Name == "log" {
				c.fields = []string{"worker"} // the logger of a worker adds it
			}
		case method.Sel.Name == "logOf" && nameOf(args[1]) != "": // m.logOf(worker, event, message, …)
			c.event, args = values[nameOf(args[1])], args[2:]
			c.fields = strings.Fields(ofWorker)
		case plainMethods[method.Sel.Name] && len(args) > 0 && !isHTTP(method.X) && !insideLogOf(parsed, x):
			plain = append(plain, c.at)
			return true
		default:
			return true
		}
		for i := 1; i < len(args); i += 2 {
			key, ok := args[i].(*ast.BasicLit)
			if !ok || i+1 == len(args) {
				t.Errorf("%s: the fields are not pairs of a literal key and a value", c.at)
				break
			}
			text, _ := strconv.Unquote(key.Value)
			c.fields = append(c.fields, text)
		}
		calls = append(calls, c)
		return true
	})
	return calls, plain
}

// nameOf returns X of an expression logevent.X, else "".
func nameOf(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "logevent" {
			return s.Sel.Name
		}
	}
	return ""
}

// isHTTP reports whether an expression is the package http: http.Error logs nothing.
func isHTTP(e ast.Expr) bool {
	pkg, ok := e.(*ast.Ident)
	return ok && pkg.Name == "http"
}

// insideLogOf reports whether a call is the one in logOf, which passes an event on.
func insideLogOf(file *ast.File, x *ast.CallExpr) bool {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "logOf" && f.Pos() <= x.Pos() && x.End() <= f.End() {
			return true
		}
	}
	return false
}

// names returns the values of the constants of this package by their Go names.
func names(t *testing.T) map[string]Name {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Name{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Type != nil && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all[v.Names[0].Name] = Name(text)
			}
		}
		return true
	})
	return all
}

// The test above finds lines that are no events, and fields.
func TestCallsIn(t *testing.T) {
	calls, plain := callsIn(t, "x.go", `package worker
func f() {
	log.Info("a")
	slog.Warn("b", "k", 1)
	l.log.Error("c")
	s.Log.Log(ctx, 4, "d")
	log.Debug("e")
	_ = err.Error()
	logevent.Stopped.Log(w.log, "f", "k", 1, "hint", hint)
	m.logOf(w, logevent.WorkerDied, "g", "k", 1)
}`)
	if len(plain) != 4 || len(calls) != 2 ||
		calls[0].event != Stopped || !slices.Equal(calls[0].fields, []string{"worker", "k", "hint"}) ||
		calls[1].event != WorkerDied || !slices.Equal(calls[1].fields, []string{"worker", "worker_pid", "age", "k"}) {
		t.Errorf("calls %+v, plain lines %q", calls, plain)
	}
	// Every constant has a line in the table.
	for _, n := range slices.Sorted(maps.Values(names(t))) {
		if Find(n) == nil {
			t.Errorf("the table has no %s", n)
		}
	}
}
