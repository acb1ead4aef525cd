package bench

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// BenchmarkClient compares this client with those of fasthttp and net/http. Each has 16
// clients, or in "burst" a thousand requests at once. The times are for one request. They
// include the server, which uses fasthttp in this process.
func BenchmarkClient(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json")
		ctx.WriteString(`{"Vienna":"GPE"}`)
	}}
	done := make(chan error)
	go func() { done <- server.Serve(ln) }()
	b.Cleanup(func() {
		ln.Close()
		<-done
	})
	url := "http://" + ln.Addr().String() + "/"

	for _, mode := range []struct {
		name    string
		clients int
		fresh   bool
	}{{"kept", 16, false}, {"new", 16, true}, {"burst", 1000, true}} {
		b.Run(mode.name+"/narwhal", func(b *testing.B) {
			o := Options{URL: url, Requests: b.N, Connections: mode.clients, DisableKeepAlive: mode.fresh}
			r, err := Run(b.Context(), o)
			if err != nil || r.Failed() > 0 {
				b.Fatal(err, r)
			}
		})
		b.Run(mode.name+"/fasthttp", func(b *testing.B) {
			client := fasthttp.HostClient{Addr: ln.Addr().String(), MaxConns: mode.clients, ReadTimeout: 300 * time.Second}
			defer client.CloseIdleConnections()
			inParallel(b, mode.clients, func() error {
				request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				defer fasthttp.ReleaseRequest(request)
				defer fasthttp.ReleaseResponse(response)
				request.Header.SetMethod("GET")
				request.Header.SetContentType("application/json")
				request.SetRequestURI(url)
				request.SetBodyString(Paragraph)
				if mode.fresh {
					request.SetConnectionClose()
				}
				return client.Do(request, response)
			})
		})
		b.Run(mode.name+"/net-http", func(b *testing.B) {
			transport := &http.Transport{MaxIdleConnsPerHost: mode.clients, DisableKeepAlives: mode.fresh}
			defer transport.CloseIdleConnections()
			inParallel(b, mode.clients, func() error {
				request, err := http.NewRequest("GET", url, strings.NewReader(Paragraph))
				if err != nil {
					return err
				}
				request.Header.Set("Content-Type", "application/json")
				response, err := transport.RoundTrip(request)
				if err != nil {
					return err
				}
				if _, err := io.Copy(io.Discard, response.Body); err != nil {
					return err
				}
				return response.Body.Close()
			})
		})
	}
}

// inParallel divides b.N calls among clients.
func inParallel(b *testing.B, clients int, call func() error) {
	work := make(chan struct{}, b.N)
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	results := make(chan error, clients)
	b.ResetTimer()
	for range clients {
		go func() {
			for range work {
				if err := call(); err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	for range clients {
		if err := <-results; err != nil {
			b.Fatal(err)
		}
	}
}
