package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// The master's log tells how many requests a worker that was killed may have lost.
func TestMayLose(t *testing.T) {
	lines := []string{
		`level=ERROR msg="worker died" pid=1 event=worker_died worker=1 worker_pid=2 age=1 status="signal SIGKILL" running=nothing connections=7 requests=9`,
		`level=ERROR msg="worker died" pid=1 event=worker_died worker=1 worker_pid=3 age=2 status="exit code 2" running=nothing connections=100 requests=9`, // not by us
		`level=WARN msg="worker ended before it had finished" pid=1 event=worker_cut worker=2 worker_pid=4 age=3 status="signal SIGKILL" was=draining lost=1 running=nothing`,
		`level=INFO msg="worker left" pid=1 event=worker_left worker=1 worker_pid=5 age=4 status="exit code 0" requests=9`,
	}
	all := int64(7 + clientsAtOnce)
	for _, c := range []struct {
		name string
		v    variant
		of   []client.Group
		want int64
	}{
		{"pinned, kept", variant{pinned: true}, []client.Group{tcpKept}, all},
		{"pinned, all kinds", variant{pinned: true}, groups, all},
		{"pinned, behind a proxy", variant{pinned: true, front: nginx}, []client.Group{tcpNew}, all},
		{"pinned, new", variant{pinned: true}, []client.Group{tcpNew, unixNew}, 2},
		{"parked or sync", variant{}, groups, 2}, // one for each kill
	} {
		if got := mayLose(&server{variant: c.v, lines: lines, kills: 2}, c.of); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	flat := func(n, pid int) (out []sample) {
		for i := range n {
			out = append(out, sample{pid, time.Duration(i) * time.Second, 10 << 20, 20})
		}
		return out
	}
	grown := func(memory int64, fds int) []sample {
		out := append(flat(4, 1), flat(16, 2)...)
		for i := 12; i < len(out); i++ {
			out[i].memory += memory
			out[i].fds += fds
		}
		return out
	}
	for _, c := range []struct {
		name    string
		samples []sample
		want    string // in the error; "": none
	}{
		{"flat", grown(0, 0), ""},
		{"a little more memory", grown(memorySlack, 0), ""},
		{"memory", grown(memorySlack+1, 0), "memory grows"},
		{"one descriptor", grown(0, 1), "descriptors grow"},
		{"less", grown(-memorySlack, -1), ""},
		{"too few of the last master", append(flat(16, 1), flat(7, 2)...), "too few"},
	} {
		_, err := judge(c.samples)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(file, []byte("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &runner{results: []result{
		{server: "S", clients: "tcp new", event: "HUP", times: 3, sent: 10, lost: 1},
		{server: "S", clients: "tcp new", event: "USR2", times: 1, sent: 5, note: "it did not start"},
		{server: "S", clients: "all kinds", event: "full backlog", times: 1, sent: 7},
		{server: "S", clients: "all kinds", event: "8 silent", times: 1, sent: 9, figures: &figures{
			round: round{without: 2 * time.Millisecond, arriving: 5 * time.Millisecond, with: 3 * time.Millisecond}, memory: 10 << 20, most: 20 << 20, may: 30 << 20, back: 1500 * time.Millisecond,
		}},
	}}
	if err := r.write(file, "a"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = `before
<!-- a -->
| server, clients | 3 × HUP | 1 × USR2 |
| --- | --- | --- |
| S, tcp new | 1 of 10 | 0 of 5 (see below) |

| fault | S |
| --- | --- |
| full backlog | 0 of 7 |

| crowd | server | lost | p99 with the crowd ÷ without | while it arrives | memory, at most, bound | back after |
| --- | --- | --- | --- | --- | --- | --- |
| 8 silent | S | 0 of 9 | 1.50 (3.0 ms, 2.0 ms) | 5.0 ms | 10, 20, 30 MiB | 1.5 s |

- S, tcp new, USR2: it did not start
<!-- /a -->
after
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := r.write(file, "b"); err == nil {
		t.Error("a section that is not there was written")
	}
}

// The seed and the number of a stream determine all of its bytes, so that a failure can
// be repeated.
func TestStream(t *testing.T) {
	for n := range uint64(1000) {
		a, b := stream(rand.New(rand.NewPCG(1, n))), stream(rand.New(rand.NewPCG(1, n)))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Fatalf("stream %d is %q and %q", n, a, b)
		}
	}
}

// The configurations in deploy have the lines that chaos replaces.
func TestEdited(t *testing.T) {
	for _, f := range []*front{nginx, haproxy, haproxyHeader} {
		text, err := os.ReadFile(filepath.Join("../../deploy", f.config))
		if err != nil {
			t.Fatal(err)
		}
		got, err := edited(string(text), f.edits, "here:1", "there:2")
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		for _, want := range []string{"here:1", "there:2"} {
			if strings.Count(got, want) != 1 {
				t.Errorf("%s: %q is there %d times, want once", f.name, want, strings.Count(got, want))
			}
		}
		if want := "--keep-alive " + proxyKeep; f != nginx && !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %s", f.config, want)
		}
	}
	const text = "a 1;  # one\n# b 2;\n  c\n  c\n"
	if got, err := edited(text, []edit{{"a 1;", "a LISTEN NARWHAL;"}, {"# b 2;", "b"}}, "x", "y"); got != "a x y;\nb\n  c\n  c\n" || err != nil {
		t.Errorf("edited = %q, %v", got, err)
	}
	for _, old := range []string{"c", "d", "b 2;"} {
		if _, err := edited(text, []edit{{old, ""}}, "x", "y"); err == nil {
			t.Errorf("the line %q is not there once, and no error says so", old)
		}
	}
}

func TestResultOK(t *testing.T) {
	for _, c := range []struct {
		x    result
		want bool
	}{
		{result{sent: 9}, true},
		{result{sent: 9, lost: 1}, false},
		{result{sent: 9, lost: 1, limit: 1}, true},
		{result{sent: 9, failed: "the master has ended"}, false},
		{result{sent: 9, lost: 9, peer: true}, true},
	} {
		if got := c.x.ok(); got != c.want {
			t.Errorf("%+v: ok is %v, want %v", c.x, got, c.want)
		}
	}
}
