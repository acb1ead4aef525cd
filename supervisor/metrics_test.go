package supervisor_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/supervisor"
)

var adminAddress = regexp.MustCompile(`event=admin_listens address=(\S+)`)

// metricsOf asks an admin address for /metrics.
func metricsOf(admin, accept string) (contentType, text string, err error) {
	req, err := http.NewRequest("GET", "http://"+admin+"/metrics", nil)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Accept", accept)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return resp.Header.Get("Content-Type"), string(b), err
}

// samples reads Prometheus' text format: the number of each sample by its name and labels.
func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		n, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[line[:at]] = n
	}
	return all
}

// isCount reports whether a sample never goes back.
func isCount(sample string) bool {
	name, _, _ := strings.Cut(sample, "{")
	for _, end := range []string{"_total", "_bucket", "_count", "_sum"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// tally is what the clients of a test have seen.
type tally struct {
	mu       sync.Mutex
	answered map[string]int // by the sample that counts it
	broken   int            // without an answer
}

// askOne sends a request on a connection of its own, and notes what comes of it.
func (y *tally) askOne(addr, method, route, path, body string) {
	status, err := once(addr, method, path, body)
	y.mu.Lock()
	defer y.mu.Unlock()
	if err != nil {
		y.broken++
		return
	}
	y.answered[fmt.Sprintf("%s{code=%q,method=%q,route=%q}", metrics.RequestsTotal, strconv.Itoa(status), method, route)]++
}

func once(addr, method, path, body string) (status int, err error) {
	c, err := connect(addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.ReadAll(resp.Body)
	return resp.StatusCode, err
}

// What /metrics and the status count is exactly what the clients have seen, by route,
// method and status, after crashes, reloads, replaced workers and upgrades, all under load.
// No counter goes back meanwhile.
func TestMetricsAreExact(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "c")
	o := options(supervisor.Options{
		Workers: 2, Sync: true, Admin: "127.0.0.1:0", Control: socket, Linger: time.Second,
		Limits: limits.Limits{MaxRequests: 50},
	}, appSettings{Work: time.Millisecond})
	l := newLine(t, start(t, o))
	admin := adminAddress.FindStringSubmatch(l.log())[1]

	seen := tally{answered: map[string]int{}}
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 4 {
		load.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				switch n % 8 {
				case 0:
					seen.askOne(l.addr, "GET", "other", "/nowhere", "")
				case 1:
					seen.askOne(l.addr, "POST", "/v1/entities", "/v1/entities", `{"texts":["x","find","y"]}`)
				case 2:
					seen.askOne(l.addr, "POST", "/", "/", `{"text":`)
				case 3:
					seen.askOne(l.addr, "POST", "/", "/", `{"text":"panic"}`)
				case 4:
					seen.askOne(l.addr, "GET", "/healthz", "/healthz", "")
				case 5:
					seen.askOne(l.addr, "GET", "/metrics", "/metrics", "")
				default:
					seen.askOne(l.addr, "POST", "/", "/", `{"text":"find"}`)
				}
			}
		})
	}
	load.Go(func() { // no counter goes back
		var before map[string]float64
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, text, err := metricsOf(admin, "")
			if err != nil {
				t.Errorf("metrics: %v", err)
				return
			}
			now := samples(t, text)
			for sample, n := range before {
				if isCount(sample) && now[sample] < n {
					t.Errorf("%s went from %v back to %v", sample, n, now[sample])
				}
			}
			before = now
		}
	})

	status := func() *control.Status {
		s, err := control.NewClient(socket).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	more := func() { // until 100 requests more were answered
		for before := status().Requests; status().Requests < before+100; {
			time.Sleep(5 * time.Millisecond)
		}
	}
	const deaths = 3
	for range deaths {
		more()
		if s, err := once(l.addr, "POST", "/", `{"text":"die"}`); err == nil {
			t.Errorf("a worker that died has answered %d", s)
		}
	}
	more()
	l.signal(syscall.SIGHUP)
	l.await(logevent.ReloadDone.Text(), 1)
	for range 2 {
		more()
		l.upgrade(t)
	}
	more()
	close(stop)
	load.Wait()

	want := map[string]float64{}
	all := 0.0
	for sample, n := range seen.answered {
		want[sample] = float64(n)
		all += float64(n)
	}
	texts := seen.answered[metrics.RequestsTotal+`{code="200",method="POST",route="/"}`] + 3*seen.answered[metrics.RequestsTotal+`{code="200",method="POST",route="/v1/entities"}`]
	finds := texts - 2*seen.answered[metrics.RequestsTotal+`{code="200",method="POST",route="/v1/entities"}`]
	// The last numbers of the old master are on their way until its end is noticed.
	var diff string
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, text, err := metricsOf(admin, "")
		if err != nil {
			t.Fatal(err)
		}
		now := samples(t, text)
		got := maps.Clone(now)
		maps.DeleteFunc(got, func(sample string, _ float64) bool { return !strings.HasPrefix(sample, metrics.RequestsTotal+"{") })
		s := status()
		diff = cmp.Diff(want, got)
		for sample, want := range map[string]float64{
			metrics.ReloadsTotal + `{outcome="done"}`:                1,
			metrics.ReloadsTotal + `{outcome="failed"}`:              0,
			metrics.UpgradesTotal + `{outcome="done"}`:               2,
			metrics.WorkersWanted:                                    2,
			metrics.Workers + `{state="ready"}`:                      2,
			metrics.Places:                                           2,
			metrics.InFlight:                                         0,
			metrics.Ready:                                            1,
			`status --json, "requests"`:                              all,
			metrics.RequestDuration + `_count{route="/"}`:            sumOf(want, `route="/"}`),
			metrics.RequestDuration + `_count{route="other"}`:        sumOf(want, `route="other"}`),
			metrics.RequestDuration + `_bucket{route="/",le="+Inf"}`: sumOf(want, `route="/"}`),
		} {
			have := now[sample]
			if strings.HasPrefix(sample, "status") {
				have = float64(s.Requests)
			}
			if have != want {
				diff += fmt.Sprintf("%s: %v, want %v\n", sample, have, want)
			}
		}
		// A worker that was about to be replaced after --max-requests counts there, also if it
		// dies first or the reload replaces it.
		for reason, most := range map[string]float64{"died": deaths, "reload": 2} {
			if n := now[metrics.RestartsTotal+`{reason="`+reason+`"}`]; n > most {
				diff += fmt.Sprintf("%v workers were replaced for the reason %s, want at most %v\n", n, reason, most)
			}
		}
		// Each of the three masters has started two workers, and one for each that was replaced.
		// A master that hands over leaves out at most one for each of its two workers.
		restarts := 0.0
		for sample, n := range now {
			if strings.HasPrefix(sample, metrics.RestartsTotal+"{") {
				restarts += n
			}
		}
		if starts, most := now[metrics.StartsTotal], 3*2+restarts; starts > most || starts < most-2*2 {
			diff += fmt.Sprintf("%v workers were started, want %v to %v\n", starts, most-2*2, most)
		}
		// A worker may be killed between a text and the answer.
		for sample, least := range map[string]int{
			metrics.TextsTotal:                        texts,
			metrics.EntitiesTotal + `{label="ORG"}`:   finds,
			metrics.EntitiesTotal + `{label="other"}`: finds,
		} {
			if have, most := int(now[sample]), least+3*seen.broken; have < least || have > most {
				diff += fmt.Sprintf("%s: %d, want %d to %d\n", sample, have, least, most)
			}
		}
		if lost := now[metrics.LostTotal]; lost < deaths || lost > float64(deaths+seen.broken) {
			diff += fmt.Sprintf("%v requests lost, want %d to %d\n", lost, deaths, deaths+seen.broken)
		}
		if n := now[metrics.RestartsTotal+`{reason="max_requests"}`]; n == 0 {
			diff += "no worker was replaced after --max-requests\n"
		}
		if now[metrics.CPUTotal] <= 0 || now[metrics.ResidentMemory] <= 0 || now[metrics.OpenFDs] <= 0 || now[metrics.SentTotal] <= 0 {
			diff += fmt.Sprintf("no processor time, memory, descriptors or bytes:\n%s", text)
		}
		if diff == "" || time.Now().After(end) {
			break
		}
	}
	if diff != "" {
		t.Errorf("after %v requests and %d without an answer, the metrics are not what the clients saw (-clients +metrics):\n%s", all, seen.broken, diff)
	}
}

func sumOf(counts map[string]float64, end string) (n float64) {
	for sample, count := range counts {
		if strings.HasSuffix(sample, end) {
			n += count
		}
	}
	return n
}

// A client gets Prometheus' text format, or OpenMetrics if it asks for that. Prometheus' own
// tool finds nothing to blame, and every metric of the table is there, with its type.
func TestMetricsFormats(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Admin: "127.0.0.1:0", Build: map[string]string{"version": "v1.2.3"}}, appSettings{}))
	admin := adminAddress.FindStringSubmatch(m.log())[1]
	if _, err := once(m.addr, "POST", "/", `{"text":"find"}`); err != nil {
		t.Fatal(err)
	}
	kind, text, err := metricsOf(admin, "")
	if err != nil || !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Fatalf("%s, %v:\n%s", kind, err, text)
	}
	for _, f := range metrics.Table {
		if f.Kind != metrics.Counts || len(f.Labels) < 2 {
			if want := fmt.Sprintf("# TYPE %s %s\n", f.Name, f.Kind); !strings.Contains(text, want) {
				t.Errorf("there is no line %q", want)
			}
		}
	}
	if want := `narwhal_build_info{commit="",goarch="",goversion="",model="busy-1.0",simd="",version="v1.2.3"} 1`; !strings.Contains(text, want) {
		t.Errorf("there is no %s", want)
	}
	kindOfText := kind
	kind, open, err := metricsOf(admin, "application/openmetrics-text; version=1.0.0")
	if err != nil || !strings.HasPrefix(kind, "application/openmetrics-text; version=1.0.0") || !strings.HasSuffix(open, "# EOF\n") {
		t.Errorf("OpenMetrics: %s, %v:\n%s", kind, err, open)
	}
	// A worker answers with the master's metrics, too. They have changed only by its answer.
	resp, err := http.Get("http://" + m.addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	served, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != kindOfText {
		t.Errorf("a worker's metrics: %d, %s, %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
	}
	requests := func(text string) map[string]float64 {
		all := samples(t, text)
		maps.DeleteFunc(all, func(sample string, _ float64) bool { return !strings.HasPrefix(sample, metrics.RequestsTotal) })
		return all
	}
	if diff := cmp.Diff(requests(text), requests(string(served))); diff != "" {
		t.Errorf("a worker's metrics differ from the master's:\n%s", diff)
	}
	if resp, err := http.Head("http://" + admin + "/metrics"); err != nil || resp.StatusCode != 200 {
		t.Errorf("HEAD: %v, %v", resp, err)
	}

	places := []string{"promtool", "../.cache/promtool/usr/bin/promtool"}
	at := slices.IndexFunc(places, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
	if at < 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is missing: scripts/setup-tests installs it")
		}
		t.Skip("promtool is not installed: scripts/setup-tests installs it")
	}
	cmd := exec.Command(places[at], "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || out.Len() > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out.String())
	}
}

// A connection that no worker accepts is in the metrics of the kernel's queue, until it is
// accepted.
func TestMetricsOfTheQueue(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Sync: true, Admin: "127.0.0.1:0", Backlog: 77}, appSettings{}))
	admin := adminAddress.FindStringSubmatch(m.log())[1]
	look := func() map[string]float64 {
		_, text, err := metricsOf(admin, "")
		if err != nil {
			t.Fatal(err)
		}
		return samples(t, text)
	}
	await := func(what string, ok func(map[string]float64) bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			now := look()
			if ok(now) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("not after 20 s: %s: %v", what, now)
			}
		}
	}
	waiting, limit := fmt.Sprintf("%s{address=%q}", metrics.AcceptQueue, m.addr), fmt.Sprintf("%s{address=%q}", metrics.AcceptLimit, m.addr)
	if now := look(); now[limit] != 77 || now[waiting] != 0 || now[metrics.AcceptOldest] != 0 {
		t.Errorf("limit %v, waiting %v, oldest %v of %v", now[limit], now[waiting], now[metrics.AcceptOldest], now)
	}
	pid := m.workers()[0]
	stopThreads(t, pid)
	answered := make(chan error, 1)
	go func() {
		_, err := once(m.addr, "POST", "/", `{"text":"find"}`)
		answered <- err
	}()
	await("one waits", func(now map[string]float64) bool { return now[waiting] == 1 && now[metrics.AcceptOldest] > 0 })
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	await("none waits", func(now map[string]float64) bool {
		return now[waiting] == 0 && now[metrics.AcceptOldest] == 0 && now[metrics.AcceptWait+"_count"] == 1
	})
}

// stopThreads stops a process with SIGSTOP, and returns when all its threads have stopped.
// Until then one could still accept a connection.
func stopThreads(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(files) == 0 {
			t.Fatalf("the threads of process %d: %v", pid, err)
		}
		if !slices.ContainsFunc(files, func(file string) bool {
			stat, err := os.ReadFile(file)
			_, rest, _ := bytes.Cut(stat, []byte(") "))
			return err == nil && !bytes.HasPrefix(rest, []byte("T"))
		}) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
