package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shortDir makes a folder with a short name: the path of a unix socket cannot be long.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fake is a master whose methods return at once, with err.
type fake struct{ err error }

func (f fake) Status(context.Context) (*Status, error) {
	return &Status{Pid: os.Getpid(), State: "ready", Workers: []Worker{{Slot: 1, Pid: os.Getpid()}}}, f.err
}
func (f fake) Reload(context.Context) (string, error)  { return "reloaded", f.err }
func (f fake) Upgrade(context.Context) (string, error) { return "upgraded", f.err }
func (f fake) Scale(_ context.Context, n int) (string, error) {
	return fmt.Sprintf("%d workers", n), f.err
}
func (f fake) Stop(_ context.Context, quick bool) (string, error) {
	return fmt.Sprintf("quick: %v", quick), f.err
}

func serve(t *testing.T, path string, m Master) *Server {
	t.Helper()
	s, err := Serve(path, m, 64, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAsk(t *testing.T) {
	path := filepath.Join(shortDir(t), "x.sock")
	serve(t, path, fake{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v; want mode 0600", info.Mode(), err)
	}
	c := NewClient(path)
	s, err := c.Status(t.Context())
	if err != nil || s.State != "ready" || len(s.Workers) != 1 || s.Workers[0].Memory < 1<<20 {
		t.Errorf("status %+v, %v; want a worker with some memory", s, err)
	}
	if said, err := c.Upgrade(t.Context()); said != "upgraded" || err != nil {
		t.Errorf("upgrade: %q, %v", said, err)
	}
	if said, err := c.Reload(t.Context()); said != "reloaded" || err != nil {
		t.Errorf("reload: %q, %v", said, err)
	}
	if said, err := c.Scale(t.Context(), 3); said != "3 workers" || err != nil {
		t.Errorf("scale: %q, %v", said, err)
	}
}

// A client gets the reason and the hint of a Failure unchanged.
func TestFailure(t *testing.T) {
	path := filepath.Join(shortDir(t), "x.sock")
	want := Failed("do this", "it was that")
	serve(t, path, fake{want})
	c := NewClient(path)
	_, err := c.Reload(t.Context())
	var got *Failure
	if !errors.As(err, &got) {
		t.Fatalf("reload: %v, want a failure", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/reload", "", `404 "error":"there is no GET /reload here","error_type":"not_found"`},
		{"POST", "/scale", "{", `400 "error":"the body is not what is expected`},
		{"POST", "/scale", `{"workres":1}`, `400 "error":"the body is not what is expected: json: unknown field`},
		{"POST", "/stop", strings.Repeat(" ", maxBody+1), `400 "error":"the body is not what is expected: http: request body too large`},
	} {
		d := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		req, err := http.NewRequest(c.method, "http://x"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Transport{DialContext: d, DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 300)
		n, _ := resp.Body.Read(b)
		resp.Body.Close()
		status, text, _ := strings.Cut(c.want, " ")
		if fmt.Sprint(resp.StatusCode) != status || !strings.Contains(string(b[:n]), text) {
			t.Errorf("%s %s %.20q: %d %s; want %s", c.method, c.path, c.body, resp.StatusCode, b[:n], c.want)
		}
	}
}

// The server answers only the master's user and root.
func TestStranger(t *testing.T) {
	me := uint32(os.Getuid())
	for _, c := range []struct {
		peer
		want int
	}{{peer{uid: me, known: true}, 200}, {peer{uid: 0, known: true}, 200}, {peer{uid: me + 1, known: true}, 403}, {peer{}, 403}} {
		c.keep = func() {}
		r, err := http.NewRequest("POST", "/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		var w recorder
		handler(fake{}).ServeHTTP(&w, r.WithContext(context.WithValue(t.Context(), peerKey{}, c.peer)))
		if w.status != c.want {
			t.Errorf("uid %d, known %v: status %d, want %d", c.uid, c.known, w.status, c.want)
		}
	}
}

type recorder struct{ status int }

func (r *recorder) Header() http.Header         { return http.Header{} }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(n int)           { r.status = n }

// A newer master takes the path. The older master does not remove it at its end.
func TestTakeOver(t *testing.T) {
	path := filepath.Join(shortDir(t), "x.sock")
	old := serve(t, path, fake{errors.New("the old one")})
	serve(t, path, fake{})
	old.Close()
	if _, err := NewClient(path).Reload(t.Context()); err != nil {
		t.Errorf("after the take-over: %v", err)
	}
	file := filepath.Join(filepath.Dir(path), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{file, filepath.Join(path, "x"), filepath.Join(filepath.Dir(path), strings.Repeat("x", 108))} {
		if _, err := Serve(p, fake{}, 64, slog.Default()); err == nil {
			t.Errorf("a socket was opened at %s", p)
		}
	}
}

// A single master is found. Of several masters one must be named. Dead masters do not
// count, and sweep removes their sockets.
func TestFind(t *testing.T) {
	dir := shortDir(t)
	dirs := []string{filepath.Join(dir, "absent"), dir}
	if _, err := find(dirs, 0); !errors.Is(err, ErrNone) {
		t.Errorf("in an empty folder: %v", err)
	}
	dead := socketOf(dir, 3)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	one, two := socketOf(dir, 1), socketOf(dir, 2)
	serve(t, one, fake{})
	if got, err := find(dirs, 0); got != one || err != nil {
		t.Errorf("one master: %q, %v", got, err)
	}
	serve(t, two, fake{})
	_, err = find(dirs, 0)
	if several := (*SeveralError)(nil); !errors.As(err, &several) || !cmp.Equal(several.Paths, []string{one, two}) {
		t.Errorf("two masters: %v", err)
	}
	if got, err := find(dirs, 2); got != two || err != nil {
		t.Errorf("the second: %q, %v", got, err)
	}
	if _, err := find(dirs, 3); !errors.Is(err, ErrNone) {
		t.Errorf("the dead one: %v", err)
	}
	sweep(dir)
	if _, err := os.Lstat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead one's socket is still there: %v", err)
	}
	if got, err := find(dirs, 1); got != one || err != nil {
		t.Errorf("the first, after sweeping: %q, %v", got, err)
	}
	// A folder that others can write is not trusted.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := find(dirs, 1); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("in everybody's folder: %v", err)
	}
	if err := makeDir(dir); err == nil {
		t.Error("everybody's folder was taken")
	}
}

func TestPidFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	for text, want := range map[string]string{"x": `"x" is not a process ID`, "-1\n": `"-1" is not a process ID`, "2147483647\n": "no running narwhal holds it; the number in it, 2147483647, may be that of another program by now"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := FindPidFile(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("pid file %q: %v, want %s", text, err, want)
		}
	}
}

func TestDirs(t *testing.T) {
	env := map[string]string{}
	get := func(k string) string { return env[k] }
	for _, c := range []struct {
		set, to string
		uid     int
		want    []string
	}{
		{"", "", 1000, []string{"/tmp/narwhal-1000"}},
		{"", "", 0, []string{"/run/narwhal"}},
		{"XDG_RUNTIME_DIR", "/run/user/1000", 1000, []string{"/run/user/1000/narwhal", "/tmp/narwhal-1000"}},
		{"RUNTIME_DIRECTORY", "/run/a:/run/b", 1000, []string{"/run/a", "/run/user/1000/narwhal", "/tmp/narwhal-1000"}},
		{"XDG_RUNTIME_DIR", "relative", 0, []string{"/run/a", "/run/narwhal"}},
	} {
		env[c.set] = c.to
		if diff := cmp.Diff(c.want, Dirs(get, c.uid)); diff != "" {
			t.Errorf("%v, uid %d (-want +got):\n%s", env, c.uid, diff)
		}
	}
}

// A command in a systemd unit finds only the unit's master.
func TestSearched(t *testing.T) {
	env := map[string]string{"XDG_RUNTIME_DIR": "/run/user/0"}
	get := func(k string) string { return env[k] }
	for _, want := range [][]string{{"/run/user/0/narwhal", "/run/narwhal"}, {"/run/unit"}} {
		if diff := cmp.Diff(want, searched(get, 0)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", env, diff)
		}
		env["RUNTIME_DIRECTORY"] = "/run/unit"
	}
}

// Stop waits until the process has ended, and not only for the answer.
func TestWait(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process, err := watch(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx, process); !errors.Is(err, context.Canceled) {
		t.Errorf("it lives, and waiting says %v", err)
	}
	in.Close()
	if err := wait(t.Context(), process); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := watch(cmd.Process.Pid); err == nil {
		t.Error("a process that has gone can be watched")
	}
}

// Clients that connect and do not finish their request keep no other client out.
func TestHungClients(t *testing.T) {
	path := filepath.Join(shortDir(t), "x.sock")
	wait := make(chan struct{})
	serve(t, path, slow{wait: wait})
	c := NewClient(path)
	reloaded := make(chan error)
	go func() {
		_, err := c.Reload(t.Context())
		reloaded <- err
	}()
	<-wait
	for i := range 600 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, []string{
			"",
			"GET /status HTT",
			"POST /scale HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
			"GET /status HTTP/1.1\r\nHost: x\r\n\r\n", // the answer is not read
		}[i%4])
		if i%100 == 0 {
			if _, err := c.Status(t.Context()); err != nil {
				t.Errorf("with %d clients that hang: %v", i, err)
			}
		}
	}
	wait <- struct{}{} // the connection that waits for its outcome was not closed for the others
	if err := <-reloaded; err != nil {
		t.Errorf("the reload: %v", err)
	}
}

// slow is a master whose reload waits for the test.
type slow struct {
	fake
	wait chan struct{}
}

func (s slow) Reload(context.Context) (string, error) {
	s.wait <- struct{}{}
	<-s.wait
	return "reloaded", nil
}
