package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// visitor is a client of a proxy that has another address than the proxy.
type visitor struct {
	http http.Client
	base string // URL of the proxy
}

const visitorAddr = "127.0.0.2"

// passes checks what a proxy passes on: health checks, bodies up to --limit-body, a stream
// of lines, and the client's address. accessLog is narwhal's, in the form "%(h)s %(a)s".
func passes(ctx context.Context, addr, accessLog string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitorAddr)}}
	t := &http.Transport{DialContext: d.DialContext}
	defer t.CloseIdleConnections()
	c := &visitor{http.Client{Transport: t}, "http://" + addr}

	const limit = 1 << 20 // the default of --limit-body
	if err := c.expect(ctx, http.MethodGet, "/readyz", nil, http.StatusOK); err != nil {
		return err
	}
	if err := c.expect(ctx, http.MethodPost, "/", padded(limit), http.StatusOK); err != nil {
		return err
	}
	if err := c.expect(ctx, http.MethodPost, "/", padded(limit+1), http.StatusRequestEntityTooLarge); err != nil {
		return err
	}
	if err := c.stream(ctx); err != nil {
		return fmt.Errorf("a stream of lines: %w", err)
	}
	return c.isLogged(ctx, accessLog)
}

// padded returns a request for a short text that has so many bytes.
func padded(size int) []byte {
	b := client.Body(text)
	return append(b, bytes.Repeat([]byte{' '}, size-len(b))...)
}

// request returns a request that claims to come from elsewhere.
func (c *visitor) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "visitor")
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	req.Header.Set("Forwarded", "for=192.0.2.1")
	return req, nil
}

// expect sends a request, and fails if the answer has another status.
func (c *visitor) expect(ctx context.Context, method, path string, body []byte, status int) error {
	req, err := c.request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%d bytes to %s: %w", len(body), path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("status %d, want %d: %s", resp.StatusCode, status, answer)
	}
	if err != nil {
		return fmt.Errorf("%d bytes to %s: %w", len(body), path, err)
	}
	return nil
}

// stream sends lines, and reads the result of each line before it sends the next one. So
// neither the proxy nor narwhal may wait for the end of the body.
func (c *visitor) stream(ctx context.Context) error {
	r, w := io.Pipe()
	defer w.Close()
	req, err := c.request(ctx, http.MethodPost, "/v1/entities", r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	line := append(client.Body(text), '\n')
	sent := make(chan error, 1)
	go func() {
		_, err := w.Write(line)
		sent <- err
	}()
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if err := <-sent; err != nil {
		return err
	}
	results := bufio.NewReader(resp.Body)
	const lines = 20
	for i := 1; ; i++ {
		result, err := results.ReadString('\n')
		if err != nil {
			return fmt.Errorf("result %d: %w", i, err)
		}
		if !strings.Contains(result, "Angela Merkel") {
			return fmt.Errorf("result %d: %s", i, result)
		}
		if i == lines {
			break
		}
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	rest, err := io.ReadAll(results)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("after the last result: %s", rest)
	}
	return err
}

// isLogged waits until the access log has a request of this client, and fails if the line
// has another address.
func (c *visitor) isLogged(ctx context.Context, accessLog string) error {
	for {
		b, err := os.ReadFile(accessLog)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if from, ok := strings.CutSuffix(line, " visitor\n"); ok {
				if from != visitorAddr {
					return fmt.Errorf("the access log has %s for a client at %s", from, visitorAddr)
				}
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for a line in the access log: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
