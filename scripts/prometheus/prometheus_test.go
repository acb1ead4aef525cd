package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

// every is how often Prometheus scrapes and evaluates in the test.
const every = 250 * time.Millisecond

// Prometheus scrapes a narwhal under load, over a rolling reload. No request fails, and
// Prometheus says the same: the ratio of errors is 0. Every query of the dashboard returns
// numbers, and every alert can be evaluated and is silent.
func TestPrometheus(t *testing.T) {
	program := tool(t, "prometheus")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	narwhal := filepath.Join(t.TempDir(), "narwhal")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", narwhal, "../../cmd/narwhal").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	admin := "127.0.0.1:" + strconv.Itoa(port)
	s, err := server.Start(ctx, narwhal, 2, "--model", "prose", "--admin-bind", admin, "--worker-class", "concurrent", "--keep-alive", "20")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Errorf("narwhal: %v", err)
		}
	}()
	const body = `{"text":"Tim Cook met Angela Merkel in Berlin."}`
	load := client.Start(client.Options{
		Addrs:   map[string]string{"tcp": s.Addr},
		Groups:  []client.Group{{Network: "tcp"}, {Network: "tcp", Keep: true}},
		Clients: 4,
		Request: fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		Pause:   2 * time.Millisecond,
	})
	end := sync.OnceFunc(load.End)
	defer end()
	if err := load.AwaitAnswers(ctx, 1); err != nil { // a rate needs the series from its beginning
		t.Fatal(err)
	}
	p := startPrometheus(t, program, admin)
	p.await(ctx, t, "10 scrapes", `sum(count_over_time(narwhal_ready[1m])) >= 10`)
	if _, err := s.Master.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	p.await(ctx, t, "the reload", `sum(increase(narwhal_reloads_total{outcome="done"}[1m])) > 0`)
	if err := load.AwaitAnswers(ctx, 200); err != nil { // of the new workers
		t.Fatal(err)
	}
	end()
	sent, lost, why := load.Sums()
	if lost > 0 {
		t.Errorf("%d of %d requests failed over the reload: %s", lost, sent, why)
	}
	p.await(ctx, t, "all requests", fmt.Sprintf(`sum(narwhal_http_requests_total) == %d`, sent))

	for title, all := range queries(t) {
		for _, query := range all {
			query = strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*").Replace(query)
			got, err := p.query(ctx, query)
			if err != nil || len(got) == 0 {
				t.Errorf("%s: %s: %v, %v", title, query, got, err)
			}
			for labels, n := range got {
				if math.IsNaN(n) || math.IsInf(n, 0) {
					t.Errorf("%s: %s: %s is %v", title, query, labels, n)
				}
			}
			if title == "Errors" && (len(got) != 1 || sum(got) != 0) {
				t.Errorf("over a reload the ratio of errors is %v, want 0", got)
			}
		}
	}
	p.checkRules(ctx, t)
}

func sum(all map[string]float64) (n float64) {
	for _, v := range all {
		n += v
	}
	return n
}

// prom is a running Prometheus.
type prom struct{ url string }

// startPrometheus starts a Prometheus with the alerts of deploy, which scrapes an address.
// It ends with the test.
func startPrometheus(t *testing.T, program, target string) *prom {
	t.Helper()
	dir := t.TempDir()
	alerts, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`global: {scrape_interval: %v, scrape_timeout: %[1]v, evaluation_interval: %[1]v}
rule_files: [%q]
scrape_configs: [{job_name: narwhal, static_configs: [{targets: [%q]}]}]
`, every, alerts, target)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	cmd := exec.Command(program, "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address,
		"--web.console.libraries", dir, "--web.console.templates", dir, "--log.level", "warn")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	running, err := proc.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(30 * time.Second); err != nil || t.Failed() {
			t.Logf("prometheus ended: %v\n%s", err, log.String())
		}
	})
	p := &prom{"http://" + address}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(p.url + "/-/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return p
			}
		}
		select {
		case <-running.Ended:
			t.Fatal("prometheus has ended")
		default:
		}
		if time.Now().After(end) {
			t.Fatal("prometheus is not ready after a minute")
		}
	}
}

// get asks Prometheus' API, and reads data of its answer into to.
func (p *prom) get(ctx context.Context, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, "GET", p.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return json.Unmarshal(b, &struct{ Data any }{to})
}

// query returns the numbers of a query, by their labels.
func (p *prom) query(ctx context.Context, query string) (map[string]float64, error) {
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(query), &data); err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for _, r := range data.Result {
		n, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		all[fmt.Sprint(r.Metric)] = n
	}
	return all, nil
}

// await waits until a query returns something.
func (p *prom) await(ctx context.Context, t *testing.T, what, query string) {
	t.Helper()
	for {
		got, err := p.query(ctx, query)
		if err != nil {
			t.Fatalf("%s: %s: %v", what, query, err)
		}
		if len(got) > 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("Prometheus has not seen %s: %s", what, query)
		case <-time.After(every):
		}
	}
}

// checkRules checks that Prometheus can evaluate every alert, and that none fires.
func (p *prom) checkRules(ctx context.Context, t *testing.T) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	if err := p.get(ctx, "/api/v1/rules", &data); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" || r.State == "firing" {
				t.Errorf("the alert %s is %s, %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	if want := len(alerts(t)); n != want {
		t.Errorf("Prometheus has %d alerts, want %d", n, want)
	}
}
