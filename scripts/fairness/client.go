package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// answerTime is how long a client waits for an answer.
const answerTime = 2 * time.Minute

// manner is how a client sends a request.
type manner struct {
	name string
	keep bool
	send func(w io.Writer, request []byte) error
}

var manners = []manner{
	{name: "whole", send: write},
	{name: "head, body", send: func(w io.Writer, request []byte) error { // as Python's http.client does
		body := bytes.Index(request, []byte("\r\n\r\n")) + 4
		if err := write(w, request[:body]); err != nil {
			return err
		}
		return write(w, request[body:])
	}},
	{name: "pieces of 1 kB", send: func(w io.Writer, request []byte) error { return pieces(w, request, 1000, 0) }},
	{name: "1 MB/s", send: func(w io.Writer, request []byte) error { return pieces(w, request, 4000, 4*time.Millisecond) }},
	{name: "kept", keep: true, send: write},
}

func write(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// pieces sends all in pieces of size bytes, one every so often.
func pieces(w io.Writer, all []byte, size int, every time.Duration) error {
	for next := time.Now(); len(all) > 0; next = next.Add(every) {
		time.Sleep(time.Until(next))
		n := min(size, len(all))
		if err := write(w, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// request returns a request with a text of size bytes.
func request(size int, keep bool) []byte {
	text := paragraphs(size)
	if keep {
		return client.Request("POST", text)
	}
	return client.Request("POST", text, "Connection: close")
}

// paragraphs returns a text of size bytes.
func paragraphs(size int) string {
	return strings.Repeat(bench.Paragraph+" ", size/len(bench.Paragraph)+1)[:size]
}

// ask sends a request. It returns when all of it was sent, and when it was answered.
func ask(ctx context.Context, c *client.Client, m manner, request []byte) (sent, answered time.Time, err error) {
	_, err = c.AskBy(ctx, func(w io.Writer) error {
		err := m.send(w, request)
		sent = time.Now()
		return err
	})
	return sent, time.Now(), err
}
