package gate

import (
	"io"
	"net"
	"testing"

	"github.com/narwhal-server/narwhal/limits"
)

// BenchmarkPlace measures Begin, Enter and End of a request. In "contended" there are more
// requests than places.
func BenchmarkPlace(b *testing.B) {
	request := func(b *testing.B, g *Gate, c net.Conn) {
		r := g.Begin(c, Info{Method: "GET", Path: "/"})
		if err := r.Enter(); err != nil {
			b.Error(err)
		}
		r.End(200)
	}
	b.Run("free", func(b *testing.B) {
		g := New(Options{Limits: limits.Limits{Threads: 1}})
		c, _ := net.Pipe()
		b.ReportAllocs()
		for b.Loop() {
			request(b, g, c)
		}
	})
	b.Run("contended", func(b *testing.B) {
		g := New(Options{Limits: limits.Limits{Threads: 1}})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			c, _ := net.Pipe()
			for pb.Next() {
				request(b, g, c)
			}
		})
	})
}

// BenchmarkAccept measures a connection: the gate accepts it, the server reads a request,
// writes a byte and closes it. "bare" does the same with a listener of package net.
func BenchmarkAccept(b *testing.B) {
	b.Run("gate", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		addr := ln.Addr().String()
		g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 100}})
		if err := g.Listen(rawFile(b, ln.(*net.TCPListener))); err != nil {
			b.Fatal(err)
		}
		ln.Close()
		benchAccept(b, g, addr)
	})
	b.Run("bare", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		benchAccept(b, ln, ln.Addr().String())
	})
}

func benchAccept(b *testing.B, ln net.Listener, addr string) {
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				var request [64]byte
				if _, err := c.Read(request[:]); err == nil {
					c.Write(request[:1])
				}
				c.Close()
			}()
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
