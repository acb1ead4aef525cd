package config

import (
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/sock"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"127.0.0.1:5000", "127.0.0.1:5000"},
		{"0.0.0.0:0", "0.0.0.0:0"},
		{"localhost", "localhost:8000"},
		{"localhost:0080", "localhost:80"},
		{"Example.COM:80", "example.com:80"},
		{"10.0.0.1", "10.0.0.1:8000"},
		{":5000", ":5000"},
		{"5000", "127.0.0.1:5000"},
		{"[::1]:5000", "[::1]:5000"},
		{"[::1]", "[::1]:8000"},
		{"[0:0::1]:80", "[::1]:80"},
		{"[fe80::1%eth0]:80", "[fe80::1%eth0]:80"},
		{"tcp://127.0.0.1:80", "127.0.0.1:80"},
		{"unix:/run/n.sock", "unix:/run/n.sock"},
		{"unix:///run/n.sock", "unix:/run/n.sock"},
		{"unix:n.sock", "unix:/start/n.sock"},
		{"unix://n.sock", "unix:/start/n.sock"},
		{"unix:./a/../n.sock", "unix:/start/n.sock"},
		{"UNIX:/run/n.sock", "unix:/run/n.sock"},
		{"fd:3", "fd:3"},
		{"fd://3", "fd://3"},
		{"fd://003", "fd://3"},
	} {
		if got, err := ParseAddress(c.text, "/start"); err != nil || got != c.want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", c.text, got, err, c.want)
		}
	}
	for _, c := range []struct{ text, why string }{
		{"", "the address is empty"},
		{"tcp://", "the address is empty"},
		{"http://127.0.0.1:5000/", "is a URL: leave out http://"},
		{"/run/n.sock", `write unix:/run/n.sock`},
		{"127.0.0.1:", `"" is not a port`},
		{"127.0.0.1:http", `"http" is not a port`},
		{"127.0.0.1:65536", `"65536" is not a port`},
		{"127.0.0.1:-1", `"-1" is not a port`},
		{":+80", `"+80" is not a port`},
		{"70000", `"70000" is not a port`},
		{"::1", "in brackets, as in [::1]:8000"},
		{"::1:8000", "in brackets, as in [::1]:8000"},
		{"[::1]8000", "want a colon and the port after the bracket"},
		{"[::1", "want an IPv6 address in the brackets"},
		{"[fe80::1%a b]:80", "want an IPv6 address in the brackets"},
		{"[127.0.0.1]:80", "want an IPv6 address in the brackets"},
		{"127.0.0.300:80", "four numbers from 0 to 255"},
		{"1.2.3:80", "four numbers from 0 to 255"},
		{"a..b:80", "is not a host"},
		{"my host:80", `cannot contain ' '`},
		{"hôst:80", `cannot contain 'ô'`},
		{"unix:", "unix needs a path"},
		{"Unix", "unix needs a path"},
		{"unix:/run/", "is a folder"},
		{"unix:/a\x00b", "zero byte"},
		{"unix:/" + strings.Repeat("x", 107), "has 108 bytes, and a socket's may have 107"},
		{"fd://", "want the number of an open descriptor"},
		{"fd://-1", "want the number of an open descriptor"},
		{"fd://1", "fd://1 is a standard stream"},
	} {
		if got, err := ParseAddress(c.text, "/start"); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("ParseAddress(%q) = %q, %v; want an error with %q", c.text, got, err, c.why)
		}
	}
}

func TestClash(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"127.0.0.1:80", "localhost:80", true},
		{"127.0.0.1:80", ":80", true},
		{"127.0.0.1:80", "0.0.0.0:80", true},
		{"[::1]:80", "0.0.0.0:80", false},
		{"[::1]:80", "[::]:80", true},
		{"0.0.0.0:80", "[::]:80", true},
		{"127.0.0.1:0", "127.0.0.1:0", false},
		{"unix:/a", "unix:/a", true},
		{"unix:/a", "unix:/b", false},
		{"unix:/a:80", "0.0.0.0:80", false},
		{"fd://3", "fd://3", true},
		{"fd://3", ":3", false},
	} {
		if clash(c.a, c.b) != c.want || clash(c.b, c.a) != c.want {
			t.Errorf("clash(%s, %s) = %v, reversed %v; want %v", c.a, c.b, clash(c.a, c.b), clash(c.b, c.a), c.want)
		}
	}
}

// A canonical address is its own canonical form, and the package that binds it
// reads it as it was meant.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{
		"127.0.0.1:5000", "5000", ":0", "[::1]:80", "[fe80::1%a b]:80", "unix:x", "unix:/run/a:b", "fd://7", "localhost", "tcp://a:1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		canonical, err := ParseAddress(text, "/start")
		if err != nil {
			return
		}
		if again, err := ParseAddress(canonical, "/elsewhere"); err != nil || again != canonical {
			t.Fatalf("%q is %q, and that is %q, %v", text, canonical, again, err)
		}
		if clash(canonical, canonical) == (isTCP(canonical) && strings.HasSuffix(canonical, ":0")) {
			t.Fatalf("clash(%q, %[1]q) = %v", canonical, clash(canonical, canonical))
		}
		if a, err := sock.Parse(canonical); err != nil || a.String() != canonical {
			t.Fatalf("%q is %q, and sock.Parse reads it as %q, %v", text, canonical, a, err)
		}
	})
}
