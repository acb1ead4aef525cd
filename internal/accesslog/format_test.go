package accesslog

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var example = Entry{
	Time:   time.Date(2026, 1, 2, 15, 4, 5, 0, time.FixedZone("", -7*3600)),
	Remote: "192.0.2.7", Port: "4711", Scheme: "https", User: `an"na`,
	Method: "POST", Path: "/v1/entities", Query: "a=b", Protocol: "HTTP/1.1",
	Status: 200, Bytes: 43, Referer: "http://r/", Agent: "curl/8",
	Duration: 1234567 * time.Microsecond, DurationMS: 1234.567, QueueMS: 0.4, ComputeMS: 1.2,
	RequestID: "id", Traceparent: "00-1-2-01",
	In: func(name string) []byte {
		if strings.EqualFold(name, "X-Mean") {
			return []byte("a\"\\\r\n127.0.0.1 - forged\x1b[31m\xff")
		}
		return nil
	},
	Out: func(name string) []byte {
		if strings.EqualFold(name, "x-request-id") {
			return []byte("id")
		}
		return nil
	},
}

// Every atom has Gunicorn's meaning.
func TestAtoms(t *testing.T) {
	t.Setenv("NARWHAL_TEST_ZONE", "a\nb")
	for atom, want := range map[string]string{
		"h": "192.0.2.7", "l": "-", "u": `an\"na`, "t": "[02/Jan/2026:15:04:05 -0700]", "r": "POST /v1/entities HTTP/1.1",
		"m": "POST", "U": "/v1/entities", "q": "a=b", "H": "HTTP/1.1", "s": "200", "b": "43", "B": "43",
		"f": "http://r/", "a": "curl/8", "T": "1", "M": "1234", "D": "1234567", "L": "1.234567", "ms": "1234.567",
		"p":         fmt.Sprintf("<%d>", os.Getpid()),
		"{x-MEAN}i": `a\"\\\x0d\x0a127.0.0.1 - forged\x1b[31m\xff`, "{x-none}i": "-",
		"{X-Request-ID}o": "id", "{x-none}o": "-",
		"{NARWHAL_TEST_ZONE}e": `a\x0ab`, "{NARWHAL_TEST_NONE}e": "-", "{REMOTE_PORT}e": "4711", "{wsgi.url_scheme}e": "https",
	} {
		f, err := Parse("%(" + atom + ")s")
		if err != nil {
			t.Errorf("%s: %v", atom, err)
			continue
		}
		if got := string(f.Append(nil, &example)); got != want+"\n" {
			t.Errorf("%s: %q, want %q", atom, got, want)
		}
	}
	for atom := range plain {
		if !strings.Contains(" "+Atoms+" ", " "+atom+" ") {
			t.Errorf("the atom %s is not listed", atom)
		}
	}
}

func TestDefault(t *testing.T) {
	f, err := Parse(Default)
	if err != nil {
		t.Fatal(err)
	}
	const want = `192.0.2.7 - an\"na [02/Jan/2026:15:04:05 -0700] "POST /v1/entities HTTP/1.1" 200 43 "http://r/" "curl/8" 1234.567 id` + "\n"
	if got := string(f.Append(nil, &example)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	empty := Entry{Method: "-", Path: "-", Protocol: "-", In: example.In, Out: func(string) []byte { return nil }}
	const dashes = `- - - [01/Jan/0001:00:00:00 +0000] "- - -" 0 0 "-" "-" 0.000 -` + "\n"
	if got := string(f.Append(nil, &empty)); got != dashes {
		t.Errorf("got  %s\nwant %s", got, dashes)
	}
}

func TestLiterals(t *testing.T) {
	f, err := Parse("100%% é\t%(s)s%%")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Append([]byte("x"), &example)); got != "x100% é\t200%\n" {
		t.Errorf("%q", got)
	}
}

func TestWrongFormats(t *testing.T) {
	for format, want := range map[string]string{
		"":                      "no atom",
		"text":                  "the atoms are h l u t",
		"%(x)s":                 "no atom %(x)s: the atoms are h l u t",
		"%({x-a}x)s":            "no atom %({x-a}x)s",
		"%({}i)s":               "no atom",
		"%({a}ii)s":             "no atom",
		"%h":                    `"%h" is no atom: an atom is written %(NAME)s`,
		"%(h)d":                 "is no atom",
		"%(h":                   "is no atom",
		"%(h %(s)s":             "is no atom",
		"%(h)s %":               "is no atom",
		"%(h)s\n%(s)s":          "control character 0x0a",
		"%({Authorization}i)s":  "secrets",
		"%({cookie}i)s":         "secrets",
		"%(h)s %({a}i)s %({b)s": "no atom",
	} {
		if _, err := Parse(format); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", format, err, want)
		}
	}
}

func TestJSON(t *testing.T) {
	got := string(AppendJSON(nil, &example))
	const want = `{"time":"2026-01-02T15:04:05-07:00","remote":"192.0.2.7","method":"POST","path":"/v1/entities","protocol":"HTTP/1.1",` +
		`"status":200,"bytes":43,"referer":"http://r/","user_agent":"curl/8","duration_ms":1234.567,"queue_ms":0.4,"compute_ms":1.2,` +
		`"request_id":"id","traceparent":"00-1-2-01"}` + "\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever a client sends, a request has one line of printable ASCII.
func FuzzLine(f *testing.F) {
	format, err := Parse(`%(u)s "%(r)s" %(q)s "%(f)s" "%(a)s" "%({x}i)s"`)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a\nb", "\"", "\\", "\x00", "\u2028")
	f.Fuzz(func(t *testing.T, user, path, query, agent, field string) {
		e := Entry{User: user, Method: path, Path: path, Protocol: path, Query: query, Referer: agent, Agent: agent, In: func(string) []byte { return []byte(field) }}
		line := format.Append(nil, &e)
		for i, c := range line {
			if last := i == len(line)-1; last != (c == '\n') || !last && (c < ' ' || c > '~') {
				t.Fatalf("byte %d of %q", i, line)
			}
		}
	})
}
