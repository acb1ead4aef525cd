package config

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables of the README, of docs/settings.md and of docs/migrating.md")

// The README, docs/settings.md and docs/migrating.md have the tables that this package makes. go test
// ./config -update writes them between their markers.
func TestTables(t *testing.T) {
	for _, of := range []struct{ file, name, table string }{
		{"../README.md", "settings", ReadmeMarkdown()},
		{"../docs/settings.md", "settings", Markdown()},
		{"../docs/migrating.md", "migration", MigrationMarkdown()},
	} {
		checkTable(t, of.name, of.table)
		text, err := os.ReadFile(of.file)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := "<!-- "+of.name+" -->\n", "<!-- /"+of.name+" -->"
		before, rest, ok1 := strings.Cut(string(text), begin)
		old, after, ok2 := strings.Cut(rest, end)
		switch {
		case !ok1 || !ok2:
			t.Errorf("%s has no lines %q and %q", of.file, begin, end)
		case *update:
			if err := os.WriteFile(of.file, []byte(before+begin+of.table+end+after), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			if diff := cmp.Diff(of.table, old); diff != "" {
				t.Errorf("%s, %s (-want +got; go test ./config -update mends it):\n%s", of.file, of.name, diff)
			}
		}
	}
}

// checkTable checks that each row has as many cells as the head.
func checkTable(t *testing.T, name, table string) {
	rows := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	cells := func(row string) int { return strings.Count(strings.ReplaceAll(row, `\|`, ""), "|") }
	for _, row := range rows {
		if cells(row) != cells(rows[0]) || strings.Contains(row, "``") {
			t.Errorf("%s: a row that is not like the head: %s", name, row)
		}
	}
}
