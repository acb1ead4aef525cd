package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// front is a kind of proxy in front of narwhal. Its configuration is the one in deploy, for
// other addresses, and without sending a request a second time.
type front struct {
	name   string
	args   []string // narwhal's
	config string   // the file in deploy
	edits  []edit
	// command makes the files that the proxy needs in a new folder. config is the edited
	// configuration.
	command func(dir, config string) (*exec.Cmd, error)
}

// edit replaces a line of a configuration. "LISTEN" and "NARWHAL" in the new line stand for
// the addresses of the proxy and of narwhal.
type edit struct{ old, new string }

// thinkTime is how long a client waits after each request. So some of a proxy's connections
// to narwhal are idle when workers are replaced.
const thinkTime = 20 * time.Millisecond

// proxyKeep is --keep-alive in the head of deploy/haproxy.cfg.
const proxyKeep = "30"

var (
	nginxEdits = []edit{
		{"server 127.0.0.1:8000;", "server NARWHAL;"},
		{"listen 80;", "listen LISTEN;"},
		{"proxy_next_upstream error non_idempotent;", "proxy_next_upstream off;"},
	}
	haproxyEdits = []edit{
		{"log /dev/log local0", "log stdout format raw local0"},
		{"option dontlognull", "option dontlog-normal"},
		{"chroot /var/lib/haproxy", ""},
		{"user haproxy", ""},
		{"group haproxy", ""},
		{"bind :80", "bind LISTEN"},
		{"retries 1", "retries 0"},
		{"retry-on conn-failure empty-response", ""},
	}
	xForwardedFor = edit{"server narwhal 127.0.0.1:8000", "server narwhal NARWHAL"}
	proxyHeader   = []edit{
		{"server narwhal 127.0.0.1:8000", ""},
		{"# server narwhal 127.0.0.1:8000 send-proxy-v2", "server narwhal NARWHAL send-proxy-v2"},
	}
)

var (
	nginx = &front{
		name: "nginx", args: []string{"--forwarded-allow-ips", "127.0.0.1"},
		config: "nginx.conf", edits: nginxEdits, command: nginxCommand,
	}
	haproxy = &front{
		name: "HAProxy", args: []string{"--keep-alive", proxyKeep, "--forwarded-allow-ips", "127.0.0.1"},
		config: "haproxy.cfg", edits: append(haproxyEdits[:len(haproxyEdits):len(haproxyEdits)], xForwardedFor), command: haproxyCommand,
	}
	haproxyHeader = &front{
		name: "HAProxy, PROXY header", args: []string{"--keep-alive", proxyKeep, "--proxy-protocol", "v2"},
		config: "haproxy.cfg", edits: append(haproxyEdits[:len(haproxyEdits):len(haproxyEdits)], proxyHeader...), command: haproxyCommand,
	}
)

// fronted returns narwhal's modes behind each proxy.
func (r *runner) fronted() (all []variant) {
	for _, v := range modes {
		parked := strings.Contains(v.name, "parked")
		if r.short && v.sync && parked {
			continue
		}
		for _, f := range []*front{nginx, haproxy, haproxyHeader} {
			if f == haproxyHeader && parked {
				continue // the client's address would be lost
			}
			v.front = f
			all = append(all, v)
		}
	}
	return all
}

// behind puts a server under load through a proxy, checks what the proxy passes on, and
// replaces workers in every way that should lose no request: first the server recycles
// workers, then HUP ends that, and USR2 follows.
func (r *runner) behind(ctx context.Context, v variant) error {
	recycled, rounds := 20, 10
	if r.short {
		recycled, rounds = 4, 1
	}
	file, lines := r.path(".toml"), r.path(".access")
	if err := os.WriteFile(file, []byte("max_requests = 200\nmax_requests_jitter = 100\n"), 0o600); err != nil {
		return err
	}
	of := []client.Group{tcpNew, tcpKept}
	args := append([]string{"-c", file, "--access-logfile", lines, "--access-logformat", "%(h)s %(a)s"}, v.front.args...)
	s, l, err := r.underLoad(ctx, v, of, args...)
	if err != nil {
		return err
	}
	out := result{server: v.String(), clients: names(of), event: "recycling, HUP, USR2"}
	err = errors.Join(passes(ctx, s.addrs["tcp"], lines), recycling(ctx, s, recycled-1), os.WriteFile(file, nil, 0o600))
	for err == nil && out.times < rounds {
		done := s.count(logevent.ReloadDone.Text())
		err = reload(ctx, s, 0)
		if err == nil { // workers that were recycled may have left before the reload is done
			err = s.awaitSaid(ctx, done+1, logevent.ReloadDone.Text())
		}
		if err == nil {
			err = upgradeNarwhal(ctx, s)
		}
		out.times++
	}
	if err := r.finish(ctx, s, l, out, err, func() int64 { return 0 }); err != nil {
		return err
	}
	if !r.results[len(r.results)-1].ok() {
		fmt.Fprintf(r.out, "--- what %s said:\n%s---\n", v.front.name, s.proxy.said())
	}
	return nil
}

// proxy is a running proxy.
type proxy struct {
	*proc.Process
	addr string
	log  string // the file that it writes to
}

// startFront starts a proxy in front of the server, and waits until it accepts connections.
func (r *runner) startFront(ctx context.Context, f *front, narwhal string) (*proxy, error) {
	text, err := os.ReadFile(filepath.Join("deploy", f.config))
	if err != nil {
		return nil, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	config, err := edited(string(text), f.edits, addr, narwhal)
	if err != nil {
		return nil, fmt.Errorf("deploy/%s: %w", f.config, err)
	}
	dir := r.path("." + f.config)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	cmd, err := f.command(dir, config)
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: addr, log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if p.Process, err = proc.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w; scripts/setup-tests installs it", f.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-p.Ended:
			return nil, fmt.Errorf("%s did not start: %s", f.name, p.said())
		case <-ctx.Done():
			p.Kill()
			return nil, fmt.Errorf("wait for %s: %w", f.name, errors.Join(ctx.Err(), err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// edited returns a configuration after edits. Each edit must find its line, without the
// comment at its end, once.
func edited(text string, edits []edit, listen, narwhal string) (string, error) {
	lines := strings.Split(text, "\n")
	for _, e := range edits {
		found := 0
		for i, line := range lines {
			trimmed := strings.TrimSpace(line)
			code, _, _ := strings.Cut(trimmed, " #")
			if strings.TrimSpace(code) == e.old {
				lines[i] = strings.NewReplacer("LISTEN", listen, "NARWHAL", narwhal).Replace(e.new)
				found++
			}
		}
		if found != 1 {
			return "", fmt.Errorf("the line %q is there %d times, want once", e.old, found)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// nginxCommand has the file as nginx.conf of Debian would include it.
func nginxCommand(dir, config string) (*exec.Cmd, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	main := fmt.Sprintf(`daemon off;
user %s;
worker_processes 2;
pid %[2]s/pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	include %[2]s/narwhal.conf;
}
`, me.Username, dir)
	file := filepath.Join(dir, "nginx.conf")
	err = errors.Join(os.WriteFile(file, []byte(main), 0o600), os.WriteFile(filepath.Join(dir, "narwhal.conf"), []byte(config), 0o600))
	return exec.Command(program("nginx"), "-e", "stderr", "-p", dir, "-c", file), err
}

func haproxyCommand(dir, config string) (*exec.Cmd, error) {
	file := filepath.Join(dir, "haproxy.cfg")
	return exec.Command(program("haproxy"), "-db", "-f", file), os.WriteFile(file, []byte(config), 0o600)
}

// said returns the end of what the proxy has written.
func (p *proxy) said() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(b), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "")
}

// program returns the path of a proxy. Debian has proxies in a folder that is not in the
// PATH of every user.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// stop ends the proxy. It fails if the proxy has ended by itself.
func (p *proxy) stop() error {
	select {
	case <-p.Ended:
		return errors.New("the proxy has ended by itself")
	default:
		_ = p.Stop(patience) // HAProxy's exit status after TERM is not 0
		return nil
	}
}
