package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
)

func benchBody(b *testing.B) []byte {
	text, err := os.ReadFile("../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"i_request": 123, "text": string(text)})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// found has about as many entities as the paragraph.
var found = func() (all []ner.Entity) {
	for i := range 20 {
		all = append(all, ner.Entity{Text: fmt.Sprintf("the %dth century", i), Label: "DATE"})
	}
	return all
}()

func BenchmarkDecode(b *testing.B) {
	body := benchBody(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, f := decodeText(body); f != nil {
			b.Fatal(f.message)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		textjson.AppendLabels(nil, found)
	}
}

// instant is a recognizer that takes no time.
type instant struct{}

func (instant) Entities(context.Context, string) ([]ner.Entity, error) { return found, nil }

// BenchmarkHTTP measures a request without the recognizer, but with the client, on a
// kept connection and on a new one. "bare" measures a server that only sends the same
// number of bytes over loopback: that much the machine itself takes.
func BenchmarkHTTP(b *testing.B) {
	body := benchBody(b)
	request := fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, c := range []struct {
		name    string
		options Options
		serve   func(*testing.B, Options) string
		kept    bool
	}{
		{"kept", Options{KeepAlive: 1 << 40}, serveInstant, true},
		{"new", Options{}, serveInstant, false},
		{"bare/kept", Options{}, serveBare(len(request)), true},
		{"bare/new", Options{}, serveBare(len(request)), false},
	} {
		b.Run(c.name, func(b *testing.B) {
			addr := c.serve(b, c.options)
			answer := make([]byte, 8<<10)
			var conn net.Conn
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if conn == nil {
					if conn, err = net.Dial("tcp", addr); err != nil {
						b.Fatal(err)
					}
				}
				if _, err = conn.Write(request); err != nil {
					b.Fatal(err)
				}
				// The answers are short enough to come in one piece.
				if n, err := conn.Read(answer); err != nil || n < len("HTTP/1.1 200") || string(answer[:12]) != "HTTP/1.1 200" {
					b.Fatalf("%v: %.100q", err, answer[:n])
				}
				if !c.kept {
					conn.Close()
					conn = nil
				}
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
}

func serveInstant(b *testing.B, o Options) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := ln.Addr().String()
	o.Recognizer = instant{}
	g := gate.New(gate.Options{Limits: limits.Limits{WorkerConnections: 100}})
	server := New(o)
	gated, done := listen(b, g, ln.(*net.TCPListener)), make(chan error)
	go func() { done <- server.Serve(gated) }()
	b.Cleanup(func() {
		g.Stop()
		<-done
	})
	return addr
}

// serveBare returns a function that starts a server. The server answers requests of one
// length with as many bytes as the service does.
func serveBare(length int) func(*testing.B, Options) string {
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: narwhal\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(textjson.AppendLabels(nil, found)), textjson.AppendLabels(nil, found))
	return func(b *testing.B, _ Options) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					for in := make([]byte, length); ; {
						if _, err := io.ReadFull(c, in); err != nil {
							return
						}
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}()
			}
		}()
		return ln.Addr().String()
	}
}
