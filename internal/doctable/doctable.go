// Package doctable compares a table of a document with the table in Go that it is made of.
// It is for tests.
package doctable

import (
	"os"
	"strings"
	"testing"
)

// Check fails the test if the document does not have the table that is made of the Go file
// source, a path from the root of the module. With write it writes the table instead. In
// the document the table is between two comments; the first one names source.
func Check(t *testing.T, document, source, table string, write bool) {
	t.Helper()
	folder := source[:strings.LastIndexByte(source, '/')]
	begins := "<!-- Made of " + source + " by go test ./" + folder + " -update. -->\n"
	const ends = "<!-- The end of the table. -->\n"
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), begins)
	have, after, ok2 := strings.Cut(rest, ends)
	switch want := "\n" + table + "\n"; {
	case !ok1 || !ok2:
		t.Fatalf("%s has no place for the table", document)
	case have == want:
	case !write:
		t.Fatalf("%s differs from the table: go test ./%s -update writes it", document, folder)
	default:
		if err := os.WriteFile(document, []byte(before+begins+want+ends+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
