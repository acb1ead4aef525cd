package main

import (
	"strings"
	"testing"
)

const benchmark = `## Waiting at 70 % load

Text.

| server | paragraphs | capacity, requests/s | p50 ms | ideal p50 | p99 ms | ideal p99 | ratio of p99 |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Flask + Gunicorn sync | 1 | 62.6 | 38.7 | 36.3 | 104.4 | 86.4 | 1.21 |
| narwhal sync | 1 | 800 | 6.2 | 2.9 | 20.8 | 10.4 | 2.01 |

### By bytes

| server | bytes | requests/s | p50 ms | p99 ms | server CPU ms each | MB | failed |
| --- | --- | --- | --- | --- | --- | --- | --- |
| narwhal concurrent | 50 | 7118.6 | 0.6 | 7.8 | 0.2 | 47 | 0 |
| narwhal concurrent | 800 | 799.7 | 6.5 | 29.5 | 2.5 | 49 | 0 |
| Flask + Gunicorn sync | 800 | 69.7 | 114.3 | 129.0 | 28.24 | 282 | 0 |

| narwhal concurrent | 1 | 1 | 1 | 1 | 1 | 1 | 1 |
`

func TestTables(t *testing.T) {
	f, err := read(benchmark)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.lengths) != 2 || len(f.queues) != 1 {
		t.Errorf("read %+v", f)
	}
	for _, c := range []struct{ table, want string }{
		{f.coresTable(), "| 50 | 0.20 | 5000 | 2.0 |\n| 800 | 2.50 | 400 | 25 |\n"},
		{f.measuredTable(), "| narwhal sync, 1 × the paragraph | 800 | 20.8 | 10.4 | 20.7 |\n"},
		{fullestTable(), "| 2 | 17 % | 54 % | 79 % |\n"},
		{f.pooledTable(), "| 1 × 16 | 0.0 ms |"},
		{f.podsTable(), "| 100 | 2 (4 cores, 6 % busy) |"},
	} {
		if !strings.Contains(c.table, c.want) {
			t.Errorf("want %q in\n%s", c.want, c.table)
		}
	}
	if _, err := read("# Nothing\n"); err == nil {
		t.Error("a document without tables is read")
	}
}

func TestReplace(t *testing.T) {
	doc := []byte("a\n<!-- x -->\nold\n<!-- /x -->\nb\n")
	got, err := replace(doc, "x", "new\n")
	if want := "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"; err != nil || string(got) != want {
		t.Errorf("replace = %q, %v, want %q", got, err, want)
	}
	if _, err := replace(doc, "y", ""); err == nil {
		t.Error("a section that does not exist is replaced")
	}
}
