package logevent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Readers look for Text in a line, so no name may be the beginning of another one.
func TestNames(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "logevent.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Type != nil {
			name, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		return true
	})
	if len(names) < 20 {
		t.Fatalf("only %d names were found: %v", len(names), names)
	}
	for i, a := range names {
		if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(a) {
			t.Errorf("%q: want words in lower case, joined by _", a)
		}
		for j, b := range names {
			if i != j && strings.HasPrefix(a, b) {
				t.Errorf("%q begins with %q", a, b)
			}
		}
	}
}
