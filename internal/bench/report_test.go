package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected reports in testdata")

// reports returns reports made by hand. Together they have every line of the output.
func reports() map[string]*Report {
	burst := newTally(ModeBurst).r
	burst.Target, burst.Load = "GET http://127.0.0.1:5000/", "burst, 1000 requests at once, 5 trials"
	burst.Requests, burst.OK, burst.Connects = 5000, 5000, 5000
	burst.Status[200] = 5000
	burst.Trials = []time.Duration{412 * time.Millisecond, 398 * time.Millisecond, 401 * time.Millisecond, 2 * time.Second, 399 * time.Millisecond}
	burst.Elapsed, burst.CPU = 3610*time.Millisecond, 310*time.Millisecond
	for i := range 5000 {
		record(burst.Service, time.Duration(i%1000)*400*time.Microsecond+3*time.Millisecond)
		record(burst.Response, time.Duration(i%1000)*400*time.Microsecond+4*time.Millisecond)
	}

	closed := newTally(ModeClosed).r
	closed.Target, closed.Load = "POST unix:/run/narwhal.sock /", "closed loop, 16 clients, for 10s, 2 texts in turn"
	closed.Requests, closed.OK, closed.Connects, closed.Reconnects, closed.Retries, closed.Unfinished = 20, 6, 18, 3, 1, 2
	closed.Status = map[int]int{200: 8, 503: 4}
	closed.Errors = map[string]int{ErrRefused: 5, ErrNoAnswer: 3, ErrDifferent: 2}
	closed.FirstError = map[string]string{ErrRefused: "connect to /run/narwhal.sock: connection refused", ErrNoAnswer: errNoAnswer.Error(), ErrDifferent: "different answer: …"}
	closed.Interrupted, closed.Elapsed, closed.CPU = true, 1500*time.Millisecond, 900*time.Microsecond
	for range 6 {
		record(closed.Service, 5*time.Millisecond)
	}
	closed.Checked = true
	closed.Difference = &Difference{Text: "a <b>", FirstRequest: 1, First: `{"a":"ORG"}`, SecondRequest: 12345, Second: `{}`}

	open := newTally(ModeOpen).r
	open.Target, open.Load = "GET http://127.0.0.1:5000/", "open loop, 100 a second, for 10s"
	open.Requests, open.OK, open.Dropped, open.Connects = 1000, 1000, 7, 12
	open.Status[200] = 1000
	open.Trials, open.Elapsed, open.MaxLag, open.CPU = []time.Duration{10 * time.Second}, 10*time.Second, 312*time.Microsecond, time.Second
	for i := range 1000 {
		record(open.Service, 10*time.Millisecond)
		record(open.Response, 10*time.Millisecond+time.Duration(i*i)*time.Microsecond)
	}

	none := newTally(ModeBurst).r
	none.Target, none.Load = "GET http://127.0.0.1:5000/", "burst, 1000 requests at once"
	return map[string]*Report{"burst": &burst, "closed": &closed, "open": &open, "nothing": &none}
}

func TestReports(t *testing.T) {
	for name, r := range reports() {
		var text bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())

		j, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, name+".json", append(j, '\n'))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (- want, + got; -update writes it):\n%s", name, diff)
	}
}

func TestObjectives(t *testing.T) {
	r := reports()["open"]
	for text, missed := range map[string]bool{
		"p50=300ms": false, "p50=200ms": true,
		"max=1.1s": false, "max=1s": true,
		"p99.9=1.1s": false, "p99.9=900ms": true,
	} {
		o, err := ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Missed(r); (err != nil) != missed {
			t.Errorf("%s: %v, want missed %v; p50 %v, max %v", text, err, missed, r.Percentile(50), r.Percentile(100))
		}
		if err := o.Missed(reports()["nothing"]); err == nil {
			t.Errorf("%s holds without an answer", text)
		}
	}
	for _, text := range []string{"", "p99", "p99=", "p99=0s", "p99=20", "99=1s", "p0=1s", "p101=1s", "pNaN=1s", "mean=1s", "=1s"} {
		if o, err := ParseObjective(text); err == nil {
			t.Errorf("ParseObjective(%q) = %+v, want an error", text, o)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1234: "1.23µs", 1_234_567: "1.23ms", 12_345_678: "12.3ms",
		1_234_567_890: "1.23s", 123 * time.Second: "2m3s", 999_999: "1ms",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%d) = %s, want %s", d, got, want)
		}
	}
}
