package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables of the README")

// The README's tables are the ones made here. go test ./config -update writes
// them between their markers.
func TestREADME(t *testing.T) {
	const readme = "../README.md"
	text, err := os.ReadFile(readme)
	if errors.Is(err, fs.ErrNotExist) {
		t.Logf("there is no %s yet: only the tables themselves are checked", readme)
	} else if err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]string{"settings": Markdown(), "migration": MigrationMarkdown()} {
		checkTable(t, name, table)
		if text == nil {
			continue
		}
		before, rest, ok1 := strings.Cut(string(text), "<!-- "+name+" -->\n")
		old, after, ok2 := strings.Cut(rest, "<!-- /"+name+" -->")
		if !ok1 || !ok2 {
			t.Errorf("%s has no lines <!-- %s --> and <!-- /%[2]s -->", readme, name)
			continue
		}
		if *update {
			text = []byte(before + "<!-- " + name + " -->\n" + table + "<!-- /" + name + " -->" + after)
		} else if diff := cmp.Diff(table, old); diff != "" {
			t.Errorf("%s, %s (-want +got; go test ./config -update mends it):\n%s", readme, name, diff)
		}
	}
	if *update && text != nil {
		if err := os.WriteFile(readme, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// checkTable sees that each row has as many cells as the head.
func checkTable(t *testing.T, name, table string) {
	rows := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	cells := func(row string) int { return strings.Count(strings.ReplaceAll(row, `\|`, ""), "|") }
	for _, row := range rows {
		if cells(row) != cells(rows[0]) || strings.Contains(row, "``") {
			t.Errorf("%s: a row that is not like the head: %s", name, row)
		}
	}
}
