package logevent

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/events.md anew")

const (
	tableBegins = "<!-- Made of internal/logevent/table.go by go test ./internal/logevent -update. -->\n"
	tableEnds   = "<!-- The end of the table. -->\n"
)

// docs/events.md has every event of the table.
func TestDocument(t *testing.T) {
	const file = "../../docs/events.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), tableBegins)
	have, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	var want strings.Builder
	want.WriteString("\n| event | level | fields | when |\n| --- | --- | --- | --- |\n")
	for _, e := range Table {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", e.Name, strings.ToLower(e.Level.String()), fieldsOf(e), e.When)
	}
	want.WriteString("\n")
	if have == want.String() {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the table: go test ./internal/logevent -update writes it", file)
	}
	if err := os.WriteFile(file, []byte(before+tableBegins+want.String()+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fieldsOf returns the fields of an event as the document shows them. Those that only some
// lines have are in brackets.
func fieldsOf(e Event) string {
	var all []string
	for _, f := range strings.Fields(e.Fields) {
		all = append(all, "`"+f+"`")
	}
	for _, f := range strings.Fields(e.May) {
		all = append(all, "[`"+f+"`]")
	}
	return strings.Join(all, ", ")
}
