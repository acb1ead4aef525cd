package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// asked is the body of a request as the server sees it.
type asked struct {
	Number int    `json:"i_request"`
	Text   string `json:"text"`
}

// listen starts a server and returns its URL. It calls handle for each connection, in a
// goroutine of its own, and closes the connection after that. The test ends when all
// handlers have returned.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, ln, handle)
	return "http://" + ln.Addr().String()
}

func serve(t *testing.T, ln net.Listener, handle func(net.Conn)) {
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
}

// read reads a request from a connection. ok is false at the end of the connection.
func read(t *testing.T, r *bufio.Reader) (a asked, req *http.Request, ok bool) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return a, nil, false // the client has closed, or was cut off, and reports that itself
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return a, nil, false
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	return a, req, true
}

// answerAll returns a handler that answers each request of a connection with what reply
// returns, until the client closes or reply returns "".
func answerAll(t *testing.T, reply func(asked) string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			a, _, ok := read(t, r)
			if !ok {
				return
			}
			s := reply(a)
			if s == "" {
				return
			}
			io.WriteString(c, s)
		}
	}
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}
