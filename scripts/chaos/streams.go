package main

import (
	"math/rand/v2"
	"slices"
)

// proper are the requests that stream mutates. Some are valid, some are not.
var proper = []string{
	string(query),
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"tex\r\nc\r\nt\":\"Berlin\"}\r\n0\r\nX: y\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n{\"text\":\"Berlin\"}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n{",
	"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"HEAD /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a/metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n",
	"GET /status HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

// pieces are inserted into requests: parsers often treat them wrongly.
var pieces = []string{
	"\r\n", "\n", "\r", "\x00", ":", " ", "\t", "\r\n\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "-1", "99999999999999999999", "\xff\xfe", "{", "\"", "\\ud800",
	"Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n",
	"Host: b\r\n", "Expect: 100-continue\r\n", "Content-Encoding: gzip\r\n", "HTTP/1.1", "GET / ", "Cookie: a=b\r\n", " folded\r\n", "%00", "/../",
}

// stream returns the bytes that one client sends.
func stream(random *rand.Rand) []byte {
	if random.IntN(8) == 0 {
		b := make([]byte, 1+random.IntN(5000))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	var b []byte
	for range 1 + random.IntN(3) {
		b = append(b, proper[random.IntN(len(proper))]...)
	}
	for range random.IntN(6) {
		i := random.IntN(len(b))
		j := min(len(b), i+1+random.IntN(20))
		switch random.IntN(5) {
		case 0:
			b[i] ^= 1 << random.IntN(8)
		case 1:
			b = slices.Delete(b, i, j)
		case 2:
			b = slices.Insert(b, i, b[i:j]...)
		case 3:
			b = slices.Insert(b, i, []byte(pieces[random.IntN(len(pieces))])...)
		case 4:
			b = b[:i+1]
		}
		if len(b) == 0 {
			b = []byte{'G'}
		}
	}
	return b
}
