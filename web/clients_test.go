package web

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

// Clients of other servers' APIs, from the Python package index, get what /v1/entities
// answers. Each program of testdata/clients takes the address of a service.
func TestClients(t *testing.T) {
	const python = "../.cache/clients/bin/python"
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: scripts/setup-tests installs the clients", err)
		}
		t.Skipf("%v: scripts/setup-tests installs the clients", err)
	}
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{ModelID: "fake-1.0", Model: "fake", KeepAlive: 20 * time.Second})
	for _, client := range []string{"triton", "huggingface", "labelstudio", "spacyservices"} {
		t.Run(client, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, python, "-B", "testdata/clients/"+client+".py", "http://"+s.addr)
			cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "HF_HUB_DISABLE_TELEMETRY=1"} // no proxy
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, strings.TrimSpace(string(out)))
			}
		})
	}
}
