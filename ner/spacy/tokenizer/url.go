package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// urlMatch implements patterns. It reports whether the whole of x has the form
//
//	[scheme://][user[:password]@]host[:port][/path | ?query | #fragment]
//
// where host is a domain name or a public IPv4 address.
func (p *english) urlMatch(x string) bool {
	if strings.IndexByte(x, '.') < 0 { // every host has a dot
		return false
	}
	if p.hostAt(x, 0) {
		return true
	}
	return hasScheme(x) && p.hostAt(x, strings.Index(x, "://")+len("://"))
}

// hostAt reports whether a host and its tail begin at base, or after an @ that follows at
// least one byte after base.
func (p *english) hostAt(x string, base int) bool {
	if p.host(x[base:]) {
		return true
	}
	for i := base + 1; i < len(x); i++ {
		if x[i] == '@' && p.host(x[i+1:]) {
			return true
		}
	}
	return false
}

// hasScheme reports whether x begins with two or more runes that are \w, +, - or a full
// stop, and then "://".
func hasScheme(x string) bool {
	scheme, _, ok := strings.Cut(x, "://")
	if !ok || utf8.RuneCountInString(scheme) < 2 {
		return false
	}
	for _, r := range scheme {
		if !isWord(r) && !strings.ContainsRune("+-.", r) {
			return false
		}
	}
	return true
}

func (p *english) host(x string) bool {
	return p.domain(x) || ipv4(x) && !privateIPv4(x)
}

// domain reports whether x consists of labels, a top level domain and a tail.
func (p *english) domain(x string) bool {
	for {
		n := labelLen(x)
		if n == 0 || !strings.HasPrefix(x[n:], ".") {
			return false
		}
		x = x[n+1:]
		if tld, runes := p.tldLen(x); 2 <= runes && runes <= 63 && urlTail(x[tld:]) {
			return true
		}
	}
}

// tldLen returns the length of the run of top level domain runes at the start of x, in
// bytes and in runes. It stops after 64 runes. No shorter run need be tried, because no
// tail begins with one of these runes.
func (p *english) tldLen(x string) (size, runes int) {
	for runes <= 63 {
		n, ok := p.firstIn(x[size:], inTLD)
		if !ok {
			break
		}
		size += n
		runes++
	}
	return size, runes
}

// labelLen returns the length of the label of a domain name at the start of x, or 0. A
// label has 1 to 64 runes. The first and the last rune are neither _ nor -.
func labelLen(x string) int {
	size, runes, last := 0, 0, rune('-')
	for i, r := range x {
		if !isLabelRune(r) {
			break
		}
		if i == 0 && (r == '_' || r == '-') {
			return 0
		}
		runes++
		if runes > 64 {
			return 0
		}
		size, last = i+utf8.RuneLen(r), r
	}
	if last == '_' || last == '-' {
		return 0
	}
	return size
}

func isLabelRune(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-'
	default:
		return 0xa1 <= r && r <= 0xffff
	}
}

// ipv4 reports whether x consists of four octets with dots between them, and a tail. octet
// says which octets the pattern allows. \d in the pattern means digits of any script.
func ipv4(x string) bool { return octets(x, 0) }

// octets reports whether x begins with the octet of that index (0 to 3), and is followed
// by the other octets and a tail. It tries every length that the octet can have.
func octets(x string, index int) bool {
	if index > 0 {
		if !strings.HasPrefix(x, ".") {
			return false
		}
		x = x[1:]
	}
	size := 0
	for digits := 1; digits <= 3; digits++ {
		r, n := utf8.DecodeRuneInString(x[size:])
		if n == 0 || !unicode.IsDigit(r) {
			return false
		}
		size += n
		if !octet(x[:size], digits, index) {
			continue
		}
		if index < 3 && octets(x[size:], index+1) || index == 3 && urlTail(x[size:]) {
			return true
		}
	}
	return false
}

// octet reports whether s, a number with that many digits, fits the pattern:
//
//	first   [1-9]\d? | 1\d\d | 2[01]\d | 22[0-3]
//	middle  1?\d{1,2} | 2[0-4]\d | 25[0-5]
//	last    [1-9]\d? | 1\d\d | 2[0-4]\d | 25[0-4]
func octet(s string, digits, index int) bool {
	middle := index == 1 || index == 2
	if digits < 3 {
		return middle || '1' <= s[0] && s[0] <= '9'
	}
	switch s[0] {
	case '1':
		return true
	case '2':
		tens, ones := byte('4'), byte('5')
		switch index {
		case 0:
			tens, ones = '1', '3'
		case 3:
			ones = '4'
		}
		return '0' <= s[1] && s[1] <= tens || s[1] == tens+1 && len(s) == 3 && '0' <= s[2] && s[2] <= ones
	}
	return false
}

// privateIPv4 reports whether x begins with an address of a private network. In the
// pattern these are the lookaheads before the address.
func privateIPv4(x string) bool {
	for _, net := range [...]struct {
		prefix string
		groups int
	}{{"10", 3}, {"127", 3}, {"169.254", 2}, {"192.168", 2}} {
		if rest, ok := strings.CutPrefix(x, net.prefix); ok && dottedGroups(rest, net.groups) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(x, "172.")
	if !ok || len(rest) < 2 {
		return false
	}
	switch tens, ones := rest[0], rest[1:]; tens {
	case '1':
		return '6' <= ones[0] && ones[0] <= '9' && dottedGroups(ones[1:], 2)
	case '2':
		r, size := utf8.DecodeRuneInString(ones)
		return unicode.IsDigit(r) && dottedGroups(ones[size:], 2)
	case '3':
		return (ones[0] == '0' || ones[0] == '1') && dottedGroups(ones[1:], 2)
	}
	return false
}

// dottedGroups reports whether x begins with n groups of a dot and one to three digits. A
// group takes as many digits as it can.
func dottedGroups(x string, n int) bool {
	for range n {
		if !strings.HasPrefix(x, ".") {
			return false
		}
		x = x[1:]
		digits := 0
		for digits < 3 {
			r, size := utf8.DecodeRuneInString(x)
			if size == 0 || !unicode.IsDigit(r) {
				break
			}
			x = x[size:]
			digits++
		}
		if digits == 0 {
			return false
		}
	}
	return true
}

// urlTail reports whether x is a tail: an optional port, and then nothing or a path, query
// or fragment. It looks only at the first byte of the path, query or fragment.
func urlTail(x string) bool {
	if rest, ok := strings.CutPrefix(x, ":"); ok {
		digits := 0
		for _, r := range rest {
			if digits == 5 || !unicode.IsDigit(r) {
				break
			}
			rest = rest[utf8.RuneLen(r):]
			digits++
		}
		if digits < 2 {
			return false
		}
		x = rest
	}
	return x == "" || x[0] == '/' || x[0] == '?' || x[0] == '#'
}
