package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

// Clients of other servers' APIs, from the Python package index, get what /v1/entities
// answers. So do common HTTP libraries. Each program of testdata/clients takes the address
// of a service.
func TestClients(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{ModelID: "fake-1.0", Model: "fake", KeepAlive: 20 * time.Second})
	url := "http://" + s.addr
	for name, command := range map[string][]string{
		"triton":         {clientsPython, "-B", "triton.py", url},
		"huggingface":    {clientsPython, "-B", "huggingface.py", url},
		"labelstudio":    {clientsPython, "-B", "labelstudio.py", url},
		"spacyservices":  {clientsPython, "-B", "spacyservices.py", url},
		"libraries":      {clientsPython, "-B", "libraries.py", url},
		"Node's fetch":   {"node", "fetch.mjs", url},
		"curl":           {"sh", "curl.sh", url, t.TempDir()},
		"Java":           {"java", "-Dfile.encoding=UTF-8", "Client.java", url},
		"wrk, new ones":  {"wrk", "-t", "1", "-c", "8", "-d", "1", "-s", "wrk.lua", "-H", "Connection: close", url},
		"wrk, kept ones": {"wrk", "-t", "1", "-c", "8", "-d", "1", "-s", "wrk.lua", url},
	} {
		t.Run(name, func(t *testing.T) {
			out := runClient(t, command...)
			if strings.HasPrefix(name, "wrk") {
				var answers, failed int
				_, at, _ := strings.Cut(out, "answers")
				if _, err := fmt.Sscanf(at, "%d failed %d", &answers, &failed); err != nil || answers == 0 || failed > 0 {
					t.Errorf("%v\n%s", err, out)
				}
			}
		})
	}
}

const clientsPython = "../../../.cache/clients/bin/python" // seen from testdata/clients

// runClient runs a program in testdata/clients and returns what it printed. The program has
// no proxy in its environment.
func runClient(t *testing.T, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "testdata/clients"
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "HF_HUB_DISABLE_TELEMETRY=1", "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		const hint = "scripts/setup-tests installs the clients"
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, hint)
		}
		t.Skipf("%v: %s", err, hint)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, strings.TrimSpace(string(out)))
	}
	return string(out)
}

// Go's client gets right answers: on kept connections, many at once, and with bodies of no
// known length.
func TestGoClient(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: 20 * time.Second})
	const body, want = `{"text": "Ada met Grace"}`, `"text":"Grace"`
	post := func(body io.Reader) {
		r, err := http.Post("http://"+s.addr+"/v1/entities", "application/json", body)
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Body.Close()
		answer, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 200 || !strings.Contains(string(answer), want) {
			t.Errorf("%v, status %d, %s", err, r.StatusCode, answer)
		}
	}
	for range 20 {
		post(strings.NewReader(body))
		post(io.MultiReader(strings.NewReader(body[:5]), strings.NewReader(body[5:]))) // chunked
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { post(strings.NewReader(body)) })
	}
	all.Wait()
	http.DefaultClient.CloseIdleConnections()
}
