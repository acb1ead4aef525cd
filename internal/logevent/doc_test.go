package logevent

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/doctable"
)

var update = flag.Bool("update", false, "write the table of docs/events.md anew")

// docs/events.md has every event of the table.
func TestDocument(t *testing.T) {
	var want strings.Builder
	want.WriteString("| event | level | fields | when |\n| --- | --- | --- | --- |\n")
	for _, e := range Table {
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", e.Name, strings.ToLower(e.Level.String()), fieldsOf(e), e.When)
	}
	doctable.Check(t, "../../docs/events.md", "internal/logevent/table.go", want.String(), *update)
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
