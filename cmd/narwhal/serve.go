package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/logfile"
	"github.com/narwhal-server/narwhal/internal/share"
	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/ner/spacy"
	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/web"
	"github.com/narwhal-server/narwhal/worker"
)

// serve is the master: settings become supervisor.Options.
func serve(ctx context.Context, s *config.Settings, stdout io.Writer) error {
	dir, err := os.Getwd() // an upgrade starts where this began
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	if s.Chdir != "" {
		if err := os.Chdir(s.Chdir); err != nil {
			return fmt.Errorf("--chdir: %w", err)
		}
	}
	if err := openLog(s); err != nil {
		return err
	}
	if warning, hint := proseWarning(s.Model); warning != "" {
		slog.Warn(warning, "hint", hint)
	}
	for _, w := range s.Warnings() {
		slog.Warn(w)
	}
	for _, n := range s.Notes() {
		slog.Info(n)
	}
	o := options(s)
	o.Dir = dir
	o.Reload = func() (supervisor.Options, error) {
		next, err := s.Reload()
		if err != nil {
			return supervisor.Options{}, err
		}
		if warning, hint := proseWarning(next.Model); warning != "" {
			slog.Warn(warning, "hint", hint)
		}
		for _, w := range next.Warnings() {
			slog.Warn(w)
		}
		again := options(next)
		again.Dir = o.Dir
		again.Reload, again.Reopen, again.Started = o.Reload, o.Reopen, o.Started
		return again, nil
	}
	o.Reopen = func() error { return reopenLog(s) }
	stdout = keep(&logfile.Writer{W: stdout}) // the master's loop greets
	o.Started = func(bound []string, model string) {
		greet(stdout, s, bound, model)
		giveBack()
	}
	collectOften()
	return supervisor.Run(ctx, o)
}

func options(s *config.Settings) supervisor.Options {
	o := supervisor.Options{
		Bind:              s.Bind,
		Backlog:           s.Backlog,
		Workers:           s.Workers,
		GOMAXPROCS:        s.GOMAXPROCS,
		Sync:              s.WorkerClass == config.Sync,
		Threads:           s.Threads,
		WorkerConnections: s.WorkerConnections,
		LimitConcurrency:  s.LimitConcurrency,
		MaxRequests:       s.MaxRequests,
		MaxRequestsJitter: s.MaxRequestsJitter,
		MaxWorkerAge:      s.MaxWorkerAge,
		MaxWorkerMemory:   s.MaxWorkerMemory,
		Linger:            min(max(s.KeepAlive, time.Second), 5*time.Second),
		Park:              s.Keeps() == config.Parked,
		Timeout:           s.Timeout,
		BootTimeout:       s.BootTimeout,
		GracefulTimeout:   s.GracefulTimeout,
		DrainDelay:        s.DrainDelay,
		Admin:             s.AdminBind,
		Pid:               s.Pid,
		Control:           s.ControlSocket,
		Settings:          s,
	}
	if o.Control == "off" {
		o.Control = ""
	}
	if s.Origin("bind") == config.Default {
		o.Bind = nil // a socket that systemd passes comes before the default
	}
	// 0 is «no limit» here and «the default» there.
	if s.BootTimeout == 0 {
		o.BootTimeout = 365 * 24 * time.Hour
	}
	if s.GracefulTimeout == 0 {
		o.GracefulTimeout = time.Nanosecond
	}
	return o
}

// runWorker is a spawned process.
func runWorker() error {
	return worker.Run(func(env worker.Env) (worker.App, error) {
		var s config.Settings
		if err := json.Unmarshal(env.Settings, &s); err != nil {
			return nil, fmt.Errorf("settings of the master: %w", err)
		}
		setLogger(&s)
		if err := kernel.Err(); err != nil { // NARWHAL_SIMD asks for what is not there
			slog.Warn(err.Error())
		}
		recognizer, model, err := openRecognizer(s.Model, s.Exclude)
		if err != nil {
			return nil, err
		}
		// prose is different: it makes much garbage, of many pieces.
		if p, ok := recognizer.(*spacy.Pipeline); ok {
			shareMemory(p, env)
			collectOften()
		}
		access, reopenAccess, err := openAccess(&s)
		if err != nil {
			return nil, err
		}
		env.App.Note = model
		env.App.Reopen = func() {
			if err := reopenLog(&s); err != nil {
				slog.Error("cannot reopen the log; it stays where it was", "error", err)
			}
			if err := reopenAccess(); err != nil {
				slog.Error("cannot reopen the access log; it stays where it was", "error", err)
			}
		}
		o := web.Options{
			Recognizer:      recognizer,
			Gate:            env.Gate,
			Model:           model,
			Delay:           s.Delay,
			Timeout:         s.Timeout,
			LimitBody:       int(s.LimitBody),
			Log:             slog.Default().With("worker", env.Slot),
			AccessLog:       access,
			AccessLogFormat: s.LogFormat,
		}
		if s.Keeps() != config.Off {
			o.KeepAlive = s.KeepAlive
		}
		app := web.New(o)
		giveBack()
		return app, nil
	})
}

// openLog sends the log where it belongs: always standard error, which may be
// made a file. So what the runtime writes at a crash, and a worker's last
// words, are in the log too.
func openLog(s *config.Settings) error {
	if err := reopenLog(s); err != nil {
		return fmt.Errorf("--error-logfile: %w", err)
	}
	setLogger(s)
	return nil
}

func reopenLog(s *config.Settings) error {
	if s.ErrorLogfile == "-" || s.ErrorLogfile == "" {
		return nil
	}
	return logfile.Stderr(s.ErrorLogfile)
}

func setLogger(s *config.Settings) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo // config has checked it
	}
	logger := func(w io.Writer) *slog.Logger {
		o := &slog.HandlerOptions{Level: level}
		if s.LogFormat == "json" {
			return slog.New(slog.NewJSONHandler(w, o)).With("pid", os.Getpid())
		}
		return slog.New(slog.NewTextHandler(w, o)).With("pid", os.Getpid())
	}
	direct := logger(os.Stderr)
	stderrLog = keep(&logfile.Writer{W: os.Stderr, Works: func(lost int, since time.Time) {
		direct.Error("lines of this log were lost: it could not be written", "lost", lost, "since", since, "hint", lostHint)
	}})
	slog.SetDefault(logger(stderrLog))
}

const lostHint = "look for a full disk (df), and let logrotate move logs away; or for a pipe or a terminal whose reader had stopped; requests were served meanwhile"

// openAccess opens the access log; w is nil if there is none.
func openAccess(s *config.Settings) (w io.Writer, reopen func() error, err error) {
	none := func() error { return nil }
	switch s.AccessLogfile {
	case "":
		return nil, none, nil
	case "-":
		return keepAccess(os.Stdout), none, nil
	}
	f, err := logfile.Open(s.AccessLogfile)
	if err != nil {
		return nil, nil, fmt.Errorf("--access-logfile: %w", err)
	}
	return keepAccess(f), f.Reopen, nil
}

// keepAccess says in the log when the access log cannot be written.
func keepAccess(w io.Writer) io.Writer {
	return keep(&logfile.Writer{
		W: w,
		Failed: func(err error) {
			slog.Error("the access log cannot be written; requests are served", "error", err, "hint", lostHint)
		},
		Works: func(lost int, since time.Time) {
			slog.Warn("the access log can be written again", "lost", lost, "since", since)
		},
	})
}

// greet tells whoever started the server what to do next, in six lines.
func greet(w io.Writer, s *config.Settings, bound []string, model string) {
	first, url := bound[0], "http://localhost"
	curl := "curl -X GET "
	if path, ok := strings.CutPrefix(first, "unix:"); ok {
		curl += "--unix-socket " + path + " "
	} else if !strings.HasPrefix(first, "fd://") {
		url = "http://" + reachable(first)
	}
	class := "sync: one request at a time each"
	if s.WorkerClass == config.Concurrent {
		class = "concurrent: up to " + fmt.Sprint(s.WorkerConnections) + " connections each"
	}
	fmt.Fprintf(w, "narwhal serves %s\n", strings.Join(bound, ", "))
	fmt.Fprintf(w, "  try      %s%s -H 'Content-Type: application/json' -d '{\"text\":\"Angela Merkel was born in Hamburg.\"}'\n", curl, url)
	fmt.Fprintf(w, "  workers  %d (%s)\n", s.Workers, class)
	fmt.Fprintf(w, "  model    %s\n", model)
	fmt.Fprintf(w, "  reach    %s\n", reach(bound))
	fmt.Fprintf(w, "  stop     Ctrl-C, or kill %d\n", os.Getpid())
}

// reachable is an address of this machine that stands for all of them.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// reach says from how far away the addresses can be reached.
func reach(bound []string) string {
	for _, b := range bound {
		host, _, err := net.SplitHostPort(b)
		switch ip := net.ParseIP(host); {
		case strings.HasPrefix(b, "unix:"):
		case strings.HasPrefix(b, "fd://"):
			return "as far as whoever opened the socket decided"
		case err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()):
		case err == nil && (host == "" || ip != nil && ip.IsUnspecified()):
			return "every network of this machine; there is no login and no TLS, so put a proxy or a firewall in front"
		default:
			return "the network of " + host + "; there is no login and no TLS, so put a proxy or a firewall in front"
		}
	}
	return "this machine only"
}

// shareMemory has the workers hold one copy of the packed weights, 7 MB of
// en_core_web_sm, and use one cache. A worker that cannot share keeps its own.
func shareMemory(p *spacy.Pipeline, env worker.Env) {
	defer env.Shared.Close() // the mappings stay
	defer env.Scratch.Close()
	var own [][]float32
	p.Move(func(w []float32) []float32 {
		own = append(own, w)
		return w
	})
	// What the weights do not tell: only equal pipelines may share a cache.
	own = append(own, []float32{math.Float32frombits(p.Sum())})
	common, err := share.Floats(env.Shared, own)
	if err == nil {
		next := 0
		p.Move(func([]float32) []float32 {
			next++
			return common[next-1]
		})
		err = p.ShareCache(func(words int) ([]atomic.Uint64, error) { return share.Words(env.Scratch, words) })
	}
	if err != nil {
		slog.Info("this worker has memory of its own for what others share", "reason", err)
	}
}
