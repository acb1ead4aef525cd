package bench

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOptionsThatCannotBe(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string // in the error
	}{
		{Options{Requests: -1}, "requests is -1"},
		{Options{Trials: -1}, "trials is -1"},
		{Options{Connections: -1}, "connections is -1"},
		{Options{Rate: 1, MaxInFlight: -1}, "max in flight is -1"},
		{Options{Rate: -0.5}, "rate is -0.5"},
		{Options{Duration: -1, Connections: 1}, "negative"},
		{Options{Requests: 1, Duration: time.Second, Connections: 1}, "give one of them"},
		{Options{Duration: time.Second}, "needs a number of connections"},
		{Options{Trials: 2, Rate: 1}, "run once"},
		{Options{Trials: 2, Connections: 1, Duration: time.Second}, "run once"},
		{Options{MaxInFlight: 3}, "needs a rate"},
		{Options{Method: "PUT"}, "want GET or POST"},
		{Options{URL: "127.0.0.1:5000"}, "want http://HOST:PORT/PATH"},
		{Options{URL: "localhost:5000"}, "want http://HOST:PORT/PATH"},
		{Options{URL: "https://127.0.0.1:5000"}, "TLS"},
		{Options{URL: "http://"}, "want http://HOST:PORT/PATH"},
		{Options{URL: "http://me@127.0.0.1/"}, "no user"},
		{Options{URL: "http://127.0.0.1:99999/"}, "port 99999"},
		{Options{URL: "http://127.0.0.1/\n"}, "want http://HOST:PORT/PATH"},
		{Options{Texts: []string{"a", "\xff"}}, "text 2: not UTF-8"},
	} {
		r, err := Run(t.Context(), test.o)
		if r != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Run(%+v) = %v, %v, want an error with %q", test.o, r, err, test.want)
		}
		var option OptionError
		if !errors.As(err, &option) {
			t.Errorf("Run(%+v): %v is not an OptionError", test.o, err)
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, url := range []string{"http://192.0.2.1/", "http://[2001:db8::1]:5000/", "http://0.0.0.0:5000/", "http://[::ffff:192.0.2.1]/"} {
		if _, err := Run(t.Context(), Options{URL: url}); !errors.Is(err, ErrRemote) {
			t.Errorf("%s: error %v, want a refusal", url, err)
		}
		o := Options{URL: url, AllowRemote: true}
		if _, err := findTarget(t.Context(), &o); err != nil {
			t.Errorf("%s, allowed: %v", url, err)
		}
	}
	for url, address := range map[string]string{
		"http://127.0.0.1:5000":          "127.0.0.1:5000",
		"http://127.9.9.9/":              "127.9.9.9:80",
		"http://[::1]:5000/x?y=z":        "[::1]:5000",
		"http://[::ffff:127.0.0.1]:5000": "127.0.0.1:5000",
		"http://localhost:5000/":         "127.0.0.1:5000", // although localhost is ::1, too
	} {
		o := Options{URL: url}
		if got, err := findTarget(t.Context(), &o); err != nil || got.address != address {
			t.Errorf("%s: %+v, %v, want %s", url, got, err, address)
		}
	}
	// A unix socket is on this machine, whatever host the URL names.
	o := Options{URL: "http://narwhal.example/", UnixSocket: "/run/narwhal.sock"}
	if got, err := findTarget(t.Context(), &o); err != nil || got.host != "narwhal.example" {
		t.Errorf("unix socket: %+v, %v", got, err)
	}
}

func TestFileLimit(t *testing.T) {
	if err := checkFiles(1000, 1000+spareFiles); err != nil {
		t.Errorf("just enough: %v", err)
	}
	err := checkFiles(1000, 1000+spareFiles-1)
	if err == nil || !strings.Contains(err.Error(), "ulimit -n 1032") {
		t.Errorf("one too few: %v, want the command that helps", err)
	}
	limit, err := fileLimit()
	if err != nil {
		t.Fatal(err)
	}
	const absurd = 1 << 40
	if limit >= absurd {
		t.Logf("this process may open %d files: no number of connections is too much", limit)
		return
	}
	if _, err := Run(t.Context(), Options{Requests: absurd}); err == nil || !strings.Contains(err.Error(), "ulimit") {
		t.Errorf("2^40 requests at once: %v, want a refusal", err)
	}
}

func TestConnections(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want int
	}{
		{Options{}, 1000},
		{Options{Requests: 7}, 7},
		{Options{Requests: 7, Connections: 3}, 3},
		{Options{Rate: 5}, 1000},
		{Options{Rate: 5, MaxInFlight: 9}, 9},
		{Options{Rate: 5, MaxInFlight: 9, Connections: 4}, 4},
		{Options{Rate: 5, MaxInFlight: 9, Connections: 40}, 9},
	} {
		o, err := test.o.withDefaults()
		if got := o.connections(); err != nil || got != test.want {
			t.Errorf("%+v: %d connections, %v, want %d", test.o, got, err, test.want)
		}
	}
}
