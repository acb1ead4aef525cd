package bench

import (
	_ "embed"
	"fmt"
	"math"
	"time"
)

// Paragraph is the text that is sent if no other is given. It is about a city, and has
// 827 bytes, or 176 tokens as spaCy counts them.
//
//go:embed paragraph.txt
var Paragraph string

// Options say where requests go, how many, and when. Zero fields have defaults: the zero
// Options send one trial of 1000 requests at once to 127.0.0.1:8000.
type Options struct {
	URL        string // default http://127.0.0.1:8000/; http only
	UnixSocket string // connect to this path instead of the host of URL
	Method     string // GET, the default, or POST; both carry the body

	// Texts are sent in turn, as {"i_request": n, "text": …}. Default: Paragraph.
	Texts []string

	Requests    int           // of each trial; default 1000 unless Duration is given
	Trials      int           // default 1; more than one only in a burst or with Requests and Connections
	Connections int           // closed loop with so many clients; with Rate, the most connections. 0: burst; with Rate, MaxInFlight
	Duration    time.Duration // begin requests for so long, instead of a number of Requests

	Rate        float64 // open loop: requests a second in total, at random (Poisson) times
	MaxInFlight int     // open loop: if so many are due and not answered, the next is dropped; default 1000
	Seed        uint64  // open loop: of the random times; the same seed gives the same times

	DisableKeepAlive bool          // a new connection for each request, with Connection: close
	Timeout          time.Duration // of one request, connecting included; default 300 s

	// Check requires that all answers to one text are the same JSON, byte for byte. A
	// request with another answer counts as failed.
	Check bool

	// AllowRemote permits addresses beyond this machine.
	AllowRemote bool

	// Drain is how long the requests in flight may take after ctx has ended. Those that
	// take longer are given up and counted as Report.Unfinished. Default: Timeout.
	Drain time.Duration

	// Progress, if not nil, is called ten times a second and once at the end,
	// by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Requests int // answered or failed
	Failed   int
	Elapsed  time.Duration // since the beginning of the run
	Done     bool          // this is the last call
}

const (
	defaultURL         = "http://127.0.0.1:8000/"
	defaultRequests    = 1000
	defaultMaxInFlight = 1000
	defaultTimeout     = 300 * time.Second // aiohttp's total, which the original client had
)

// The ways to send. Report.Mode is one of them.
const (
	ModeBurst  = "burst"
	ModeClosed = "closed"
	ModeOpen   = "open"
)

func (o *Options) mode() string {
	switch {
	case o.Rate > 0:
		return ModeOpen
	case o.Connections > 0:
		return ModeClosed
	}
	return ModeBurst
}

// OptionError is the error for options that are wrong or do not go together.
type OptionError string

func (e OptionError) Error() string { return string(e) }

func wrong(format string, a ...any) error { return OptionError(fmt.Sprintf(format, a...)) }

// withDefaults returns the options with defaults in place of zero fields. It fails with
// an OptionError for options that are wrong or do not go together.
func (o Options) withDefaults() (Options, error) {
	for _, n := range []struct {
		what  string
		value int
	}{
		{"requests", o.Requests}, {"trials", o.Trials}, {"connections", o.Connections}, {"max in flight", o.MaxInFlight},
	} {
		if n.value < 0 {
			return o, wrong("%s is %d: want at least 1", n.what, n.value)
		}
	}
	switch {
	case o.Duration < 0, o.Timeout < 0, o.Drain < 0:
		return o, wrong("a duration, timeout or drain is negative: want a positive time such as 10s")
	case o.Rate < 0 || math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0):
		return o, wrong("rate is %v: want requests per second, above 0", o.Rate)
	case o.Requests > 0 && o.Duration > 0:
		return o, wrong("both a number of requests and a duration: give one of them")
	case o.Duration > 0 && o.Rate == 0 && o.Connections == 0:
		return o, wrong("a duration needs a number of connections (closed loop) or a rate (open loop)")
	case o.Trials > 1 && (o.Duration > 0 || o.Rate > 0):
		return o, wrong("trials are for a number of requests: a duration and a rate are run once")
	case o.MaxInFlight > 0 && o.Rate == 0:
		return o, wrong("max in flight needs a rate: a burst and a closed loop drop nothing")
	case o.Method != "" && o.Method != "GET" && o.Method != "POST":
		return o, wrong("method %q: want GET or POST", o.Method)
	}

	setDefault(&o.URL, defaultURL)
	setDefault(&o.Method, "GET")
	setDefault(&o.Trials, 1)
	setDefault(&o.Timeout, defaultTimeout)
	setDefault(&o.Drain, o.Timeout)
	if o.Duration == 0 {
		setDefault(&o.Requests, defaultRequests)
	}
	if o.Rate > 0 {
		setDefault(&o.MaxInFlight, defaultMaxInFlight)
		setDefault(&o.Connections, o.MaxInFlight)
	}
	if len(o.Texts) == 0 {
		o.Texts = []string{Paragraph}
	}
	return o, nil
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// connections returns how many connections may be open at once.
func (o *Options) connections() int {
	switch o.mode() {
	case ModeOpen:
		return min(o.Connections, o.MaxInFlight)
	case ModeClosed:
		return o.Connections
	}
	return o.Requests
}

// load says in words how requests are sent.
func (o *Options) load() string {
	count := fmt.Sprintf("%d requests", o.Requests)
	if o.Duration > 0 {
		count = "for " + o.Duration.String()
	}
	s := ""
	switch o.mode() {
	case ModeOpen:
		s = fmt.Sprintf("open loop, %g a second, %s", o.Rate, count)
	case ModeClosed:
		s = fmt.Sprintf("closed loop, %d clients, %s", o.Connections, count)
	case ModeBurst:
		s = fmt.Sprintf("burst, %s at once", count)
	}
	if o.Trials > 1 {
		s += fmt.Sprintf(", %d trials", o.Trials)
	}
	if len(o.Texts) > 1 {
		s += fmt.Sprintf(", %d texts in turn", len(o.Texts))
	}
	return s
}
