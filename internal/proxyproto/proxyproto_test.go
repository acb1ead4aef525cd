package proxyproto

import (
	"strings"
	"testing"
)

const (
	sig   = "\r\n\r\n\x00\r\nQUIT\n"
	tcp4  = "\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x00\x50"
	tcp6  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	ports = "\x12\x67\x00\x50"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		header   string
		accepted Versions
		source   string
		err      error
	}{
		{"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n", Both, "192.0.2.7:4711", nil},
		{"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n", V1, "[2001:db8::1]:4711", nil},
		{"PROXY UNKNOWN\r\n", V1, "invalid AddrPort", nil},
		{"PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n", V1, "invalid AddrPort", nil},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n", V2, "", errVersion},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n", V1, "", errLine},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\n", V1, "", errLine},
		{"PROXY TCP4  192.0.2.7 198.51.100.1 4711 80\r\n", V1, "", errLine},
		{"PROXY TCP4 2001:db8::1 ::1 4711 80\r\n", V1, "", errLine},
		{"PROXY TCP6 192.0.2.7 198.51.100.1 4711 80\r\n", V1, "", errLine},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 04711 80\r\n", V1, "", errLine},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 +4711 80\r\n", V1, "", errLine},
		{"PROXY TCP4 192.0.2.7 198.51.100.1 65536 80\r\n", V1, "", errLine},
		{"PROXY UDP4 192.0.2.7 198.51.100.1 1 80\r\n", V1, "", errLine},
		{"PROXY " + strings.Repeat("x", 101), V1, "", errLine},
		{"GET / HTTP/1.1\r\n", Both, "", errNone},
		{"PROXI", Both, "", errNone},
		{sig + "\x21\x11\x00\x0c" + tcp4, Both, "192.0.2.7:4711", nil},
		{sig + "\x21\x11\x00\x13" + tcp4 + "\x04\x00\x04abcd", V2, "192.0.2.7:4711", nil},
		{sig + "\x21\x21\x00\x24" + tcp6 + tcp6 + ports, V2, "[2001:db8::1]:4711", nil},
		{sig + "\x20\x00\x00\x00", V2, "invalid AddrPort", nil},
		{sig + "\x21\x00\x00\x00", V2, "invalid AddrPort", nil},
		{sig + "\x21\x11\x00\x0c" + tcp4, V1, "", errVersion},
		{sig + "\x21\x11\x00\x0b" + tcp4, V2, "", errBinary},
		{sig + "\x21\x21\x00\x0c" + tcp4, V2, "", errBinary},
		{sig + "\x11\x11\x00\x0c" + tcp4, V2, "", errBinary},
		{sig + "\x22\x11\x00\x0c" + tcp4, V2, "", errBinary},
		{sig + "\x21\x11\xff\xff", V2, "", errLong},
	} {
		n, source, err := Parse([]byte(c.header+"GET"), c.accepted)
		if err != c.err || err == nil && (n != len(c.header) || source.String() != c.source) {
			t.Errorf("%q: %d bytes, %v, %v; want %d, %s, %v", c.header, n, source, err, len(c.header), c.source, c.err)
		}
		for i := 0; err == nil && i < len(c.header); i++ {
			if n, _, err := Parse([]byte(c.header[:i]), c.accepted); n != 0 || err != nil {
				t.Errorf("%q, a part of a header: %d, %v", c.header[:i], n, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"))
	f.Add([]byte(sig + "\x21\x11\x00\x0c" + tcp4))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, _, err := Parse(b, Both)
		switch {
		case n > len(b), n > 0 && err != nil:
			t.Fatalf("%d of %d bytes, %v", n, len(b), err)
		case n == 0 && err == nil && len(b) >= Most:
			t.Fatalf("%d bytes are not enough", len(b))
		}
	})
}
