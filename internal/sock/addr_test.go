package sock

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
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
		{"unix:@n", "unix:@n"},
		{"unix:@n/../a b", "unix:@n/../a b"},
		{"unix:./@n", "unix:/start/@n"},
		{"unix:@" + strings.Repeat("x", 107), "unix:@" + strings.Repeat("x", 107)},
		{"unix:n.sock", "unix:/start/n.sock"},
		{"unix://n.sock", "unix:/start/n.sock"},
		{"unix:./a/../n.sock", "unix:/start/n.sock"},
		{"UNIX:/run/n.sock", "unix:/run/n.sock"},
		{"fd:3", "fd:3"},
		{"fd://3", "fd://3"},
		{"fd://003", "fd://3"},
	} {
		if got, err := Parse(c.text, "/start"); err != nil || got.String() != c.want {
			t.Errorf("Parse(%q) = %q, %v; want %q", c.text, got, err, c.want)
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
		{"unix:@", "without a name"},
		{"unix:@a\x00b", "zero byte"},
		{"unix:@" + strings.Repeat("x", 108), "has 108 bytes, and the name of an abstract socket may have at most 107"},
		{"unix:/run/", "is a folder"},
		{"unix:/a\x00b", "zero byte"},
		{"unix:/" + strings.Repeat("x", 107), "has 108 bytes, and the path of a socket may have at most 107"},
		{"fd://", "want the number of an open descriptor"},
		{"fd://-1", "want the number of an open descriptor"},
		{"fd://1", "fd://1 is a standard stream"},
	} {
		if got, err := Parse(c.text, "/start"); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Parse(%q) = %q, %v; want an error with %q", c.text, got, err, c.why)
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
		a, b := parse(t, c.a), parse(t, c.b)
		if a.Clash(b) != c.want || b.Clash(a) != c.want {
			t.Errorf("%s.Clash(%s) = %v, reversed %v; want %v", a, b, a.Clash(b), b.Clash(a), c.want)
		}
	}
}

func parse(t *testing.T, text string) Addr {
	t.Helper()
	a, err := Parse(text, "/")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What an address prints as is read as the same address.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"127.0.0.1:5000", "5000", ":0", "[::1]:80", "[fe80::1%a b]:80", "unix:x", "unix:@x", "unix:/run/a:b", "fd://7", "localhost", "tcp://a:1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text, "/start")
		if err != nil {
			return
		}
		if again, err := Parse(a.String(), "/elsewhere"); err != nil || again != a {
			t.Fatalf("%q is %q, and that is %q, %v", text, a, again, err)
		}
		if a.Clash(a) == (a.Network == "tcp" && strings.HasSuffix(a.Address, ":0")) {
			t.Fatalf("%q clashes with itself: %v", a, a.Clash(a))
		}
	})
}

func TestNetworked(t *testing.T) {
	for text, want := range map[string]bool{
		":80": true, "0.0.0.0:80": true, "[::]:80": true, "192.0.2.1:80": true, "example.org:80": true,
		"127.0.0.1:80": false, "127.9.9.9:80": false, "[::1]:80": false, "localhost:80": false, "80": false, "unix:/x": false, "unix:@x": false, "fd://3": false,
	} {
		a, err := Parse(text, "/")
		if err != nil {
			t.Fatal(err)
		}
		if a.Networked() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}
