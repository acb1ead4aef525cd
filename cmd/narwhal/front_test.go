package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/certs/certstest"
	"github.com/narwhal-server/narwhal/internal/logevent"
)

// writeFile writes a file as a whole: a reader sees the old content or the new one.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// certify writes a new certificate with a serial number, and its key, into one file.
func certify(t *testing.T, path string, serial int64) {
	t.Helper()
	cert, key := certstest.Pair(t, x509.Certificate{SerialNumber: big.NewInt(serial)})
	writeFile(t, path, string(cert)+string(key))
}

// secureClient is a client over TLS that sends requests with a token. It never sends one
// again.
type secureClient struct {
	addr, token string
	file        string // of its own certificate and key; "": it has none
	conn        *tls.Conn
	r           *bufio.Reader
}

// ask sends a request and returns the status of the answer and the serial number of the
// server's certificate. It connects if there is no connection.
func (c *secureClient) ask(closing bool) (status int, serial int64, err error) {
	if c.conn == nil {
		config := &tls.Config{InsecureSkipVerify: true}
		if c.file != "" {
			own, err := tls.LoadX509KeyPair(c.file, c.file)
			if err != nil {
				return 0, 0, err
			}
			config.Certificates = []tls.Certificate{own}
		}
		if c.conn, err = tls.Dial("tcp", c.addr, config); err != nil {
			c.conn = nil
			return 0, 0, fmt.Errorf("connect: %w", err)
		}
		c.r = bufio.NewReader(c.conn)
	}
	serial = c.conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n", c.token, len(merkel))
	if closing {
		request += "Connection: close\r\n"
	}
	if _, err := io.WriteString(c.conn, request+"\r\n"+merkel); err != nil {
		return 0, 0, fmt.Errorf("send: %w", err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("receive: %w", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, 0, fmt.Errorf("receive: %w", err)
	}
	if resp.Close {
		c.conn.Close()
		c.conn = nil
	}
	return resp.StatusCode, serial, nil
}

// Reloads under load with TLS lose no request. They take a new certificate and new tokens. A
// wrong file changes nothing.
func TestReloadWithTLS(t *testing.T) {
	const first, second = "first-token-0123456789", "second-token-0123456789"
	dir := t.TempDir()
	cert, tokens := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "tokens")
	certify(t, cert, 1)
	writeFile(t, tokens, "# one\n"+first+"\n")
	s := startNarwhal(t, dir, "-b", "127.0.0.1:0", "-w", "2", "-k", "concurrent", "--model", quickModel(t), "--certfile", "cert.pem", "--auth-token-file", "tokens")
	addr := strings.TrimPrefix(s.url, "https://")
	if try := strings.Join(s.greet, "\n"); !strings.Contains(try, "https://"+addr) || !strings.Contains(try, "Authorization: Bearer") {
		t.Errorf("the greeting does not say how to connect:\n%s", try)
	}

	var answered atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 6 {
		c := &secureClient{addr: addr, token: first}
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, _, err := c.ask(i%2 == 0)
				if status != 200 || err != nil {
					t.Errorf("client %d: %d, %v", i, status, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	more := func(n int64) {
		t.Helper()
		from := answered.Load()
		eventually(t, "requests are answered", func() bool { return answered.Load() > from+n || t.Failed() })
	}
	for round := range 3 {
		more(20)
		certify(t, cert, int64(round)+2)
		writeFile(t, tokens, first+"\n"+second+"\n")
		s.signal(syscall.SIGHUP)
		eventually(t, "reloaded", func() bool { return strings.Count(s.logged(), logevent.ReloadDone.Text()) == round+1 })
	}
	eventually(t, "the old workers have left", func() bool { return strings.Count(s.logged(), logevent.WorkerLeft.Text()) == 6 })
	more(20)
	close(stop)
	wg.Wait()

	ask := func(token string, status int, serial int64) {
		t.Helper()
		c := &secureClient{addr: addr, token: token}
		gotStatus, gotSerial, err := c.ask(true)
		if gotStatus != status || gotSerial != serial || err != nil {
			t.Errorf("status %d, certificate %d, %v; want %d, %d", gotStatus, gotSerial, err, status, serial)
		}
	}
	ask(second, 200, 4)
	ask("third-token-0123456789", 401, 4)

	for _, file := range []string{cert, tokens} {
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, "nothing\tuseful\n")
		before := strings.Count(s.logged(), filepath.Base(file))
		s.signal(syscall.SIGHUP)
		eventually(t, "the wrong file is named", func() bool {
			return strings.Count(s.logged(), filepath.Base(file)) > before || strings.Contains(s.logged(), "PEM")
		})
		ask(first, 200, 4)
		writeFile(t, file, string(good))
	}
}

// With --ca-certs only clients with a certificate of these authorities are served. A reload
// reads the file again.
func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for serial, name := range []string{"server", "known", "stranger"} {
		certify(t, file(name), int64(serial)+1)
	}
	trust := func(name string) {
		t.Helper()
		b, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(b)
		writeFile(t, file("cas"), string(pem.EncodeToMemory(block)))
	}
	trust("known")
	s := startNarwhal(t, dir, "-b", "127.0.0.1:0", "-k", "concurrent", "--model", quickModel(t), "--certfile", "server", "--ca-certs", "cas")
	ask := func(name, refusal string) {
		t.Helper()
		c := &secureClient{addr: strings.TrimPrefix(s.url, "https://")}
		if name != "" {
			c.file = file(name)
		}
		status, _, err := c.ask(true)
		switch {
		case refusal == "" && (status != 200 || err != nil):
			t.Errorf("client with the certificate %q: %d, %v", name, status, err)
		case refusal != "" && (err == nil || !strings.Contains(err.Error(), refusal)):
			t.Errorf("client with the certificate %q: %d, %v; want %q", name, status, err, refusal)
		}
	}
	ask("known", "")
	ask("", "certificate required")
	ask("stranger", "unknown certificate authority")
	trust("stranger")
	s.signal(syscall.SIGHUP)
	eventually(t, "reloaded", func() bool { return strings.Contains(s.logged(), logevent.ReloadDone.Text()) })
	eventually(t, "the old worker has left", func() bool { return strings.Contains(s.logged(), logevent.WorkerLeft.Text()) })
	ask("stranger", "")
	ask("known", "unknown certificate authority")
}
