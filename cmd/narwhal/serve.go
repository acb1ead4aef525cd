package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/logfile"
	"github.com/narwhal-server/narwhal/internal/share"
	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/ner/spacy"
	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/web"
	"github.com/narwhal-server/narwhal/worker"
)

// serve turns the settings into supervisor.Options and runs the master. It returns when
// the service has ended.
func serve(ctx context.Context, s *config.Settings, stdout io.Writer) error {
	workersStdout, err := openLog(s) // before the first line of the log
	if err != nil {
		return err
	}
	dir, err := os.Getwd() // an upgrade starts the new master here
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	if s.Chdir != "" {
		if err := os.Chdir(s.Chdir); err != nil {
			return fmt.Errorf("--chdir: %w", err)
		}
	}
	logNotes(s)
	o := optionsHere(s)
	o.Dir, o.Stdout = dir, workersStdout
	inForce := s
	o.Reload = func() (supervisor.Options, error) {
		next, err := s.Reload()
		if err != nil {
			return supervisor.Options{}, withHints(err)
		}
		logNotes(next)
		again := optionsHere(next)
		again.Dir = o.Dir
		again.Reload, again.Reopen, again.Started = o.Reload, o.Reopen, o.Started
		again.Reloaded = func() {
			changeLog(inForce, next)
			inForce = next
		}
		return again, nil
	}
	o.Reopen = func() error { return reopenLog(inForce) }
	hello := announce
	if isTerminal(stdout) {
		w := keep(&logfile.Writer{W: stdout}) // the master's loop greets, and must not wait
		hello = func(s *config.Settings, bound []string, model string) { greet(w, s, bound, model) }
	}
	o.Started = func(bound []string, model string) {
		forgetFirstStderr()
		hello(inForce, bound, model)
		giveBack()
	}
	collectOften()
	return supervisor.Run(ctx, o)
}

// logNotes logs what is to be said of settings that come into force.
func logNotes(s *config.Settings) {
	if warning, hint := proseWarning(s.Model); warning != "" {
		logevent.SettingsWarned.Log(slog.Default(), warning, "hint", hint)
	}
	for _, w := range s.Warnings() {
		logevent.SettingsWarned.Log(slog.Default(), w)
	}
	for _, n := range s.Notes() {
		logevent.SettingsNoted.Log(slog.Default(), n)
	}
}

func options(s *config.Settings) supervisor.Options {
	o := supervisor.Options{
		Bind:            s.Bind,
		SocketMode:      s.SocketMode,
		Backlog:         s.Backlog,
		Workers:         s.Workers,
		GOMAXPROCS:      s.GOMAXPROCS,
		Sync:            s.WorkerClass == config.Sync,
		Limits:          s.Limits,
		MaxWorkerAge:    s.MaxWorkerAge,
		MaxWorkerMemory: s.MaxWorkerMemory,
		Linger:          min(max(s.KeepAlive, time.Second), 5*time.Second),
		Park:            s.Keeps() == config.Parked,
		BootTimeout:     s.BootTimeout,
		DrainDelay:      s.DrainDelay,
		Admin:           s.AdminBind,
		Pid:             s.Pid,
		Control:         s.ControlSocket,
		Statsd:          s.StatsdHost,
		StatsdPrefix:    s.StatsdPrefix,
		Build:           buildLabels(),
		Settings:        workerSettings{s, s.Secrets()},
	}
	if o.Control == "off" {
		o.Control = ""
	}
	if s.Origin("bind") == config.Default {
		o.Bind = nil // a socket that systemd passes comes before the default
	}
	// In supervisor.Options 0 means the default. In the settings 0 means no limit for
	// BootTimeout and the limits of a head, and no time for GracefulTimeout.
	for _, n := range []*int{&o.LimitRequestLine, &o.LimitRequestFields, &o.LimitRequestFieldSize} {
		if *n == 0 {
			*n = -1
		}
	}
	if s.BootTimeout == 0 {
		o.BootTimeout = 365 * 24 * time.Hour
	}
	if s.GracefulTimeout == 0 {
		o.GracefulTimeout = time.Nanosecond
	}
	return o
}

// workerSettings are what the master tells a worker. config.Settings alone would come without
// the secrets.
type workerSettings struct {
	*config.Settings
	Secrets config.Secrets
}

// runWorker runs a worker. It returns when the worker has ended.
func runWorker() error {
	file := earlyLog()
	return worker.Run(func(env worker.Env) (worker.App, error) {
		var told workerSettings
		if err := json.Unmarshal(env.Settings, &told); err != nil {
			return nil, fmt.Errorf("settings of the master: %w", err)
		}
		s := *told.Settings
		useLog(&s, file) // in a reload the log may move; the master's moves last
		slog.SetDefault(slog.New(env.CountLog(slog.Default().Handler())))
		if err := kernel.Err(); err != nil { // NARWHAL_SIMD is wrong; the best instructions are used
			logevent.SettingsWarned.Log(slog.Default(), err.Error())
		}
		models, note, err := openModels(s.Model, s.Exclude)
		if err != nil {
			return nil, err
		}
		var pipelines []*spacy.Pipeline
		for _, m := range models {
			if p, ok := m.Recognizer.(*spacy.Pipeline); ok {
				pipelines = append(pipelines, p)
			}
		}
		shareMemory(pipelines)
		// prose allocates many small objects, so it keeps Go's default garbage collection.
		if len(pipelines) == len(models) {
			collectOften()
		}
		access, reopenAccess, err := openAccess(&s)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, m := range models {
			ids = append(ids, m.ID)
		}
		env.App.Note, env.App.Model = note, strings.Join(ids, ",")
		env.App.Reopen = func() {
			if err := reopenLog(&s); err != nil {
				logevent.ReopenFailed.Log(slog.Default(), "cannot reopen the log file; the one that is open stays in use", "error", err)
			}
			if err := reopenAccess(); err != nil {
				logevent.ReopenFailed.Log(slog.Default(), "cannot reopen the access log; the one that is open stays in use", "error", err)
			}
		}
		secure, err := told.Secrets.TLS.Config()
		if err != nil {
			return nil, fmt.Errorf("--certfile: %w", err)
		}
		o := web.Options{
			Recognizer: models[0].Recognizer,
			ModelID:    models[0].ID,
			Describe:   models[0].Describe,
			More:       models[1:],
			Model:      note,
			Version:    releaseNumber(version, buildInfo()),
			Delay:      s.Delay,
			Timeout:    env.Limits.Timeout,
			LimitBody:  int(env.Limits.LimitBody),
			Log:        slog.Default().With("worker", env.Slot),
			AccessLog:  access,

			TLS:               secure,
			TokenHashes:       told.Secrets.TokenHashes,
			CORSOrigins:       s.CORSOrigins,
			ForwardedAllowIPs: s.ForwardedAllowIPs,
			ProxyProtocol:     s.ProxyProtocol,
			ProxyAllowFrom:    s.ProxyAllowFrom,
			AccessLogFormat:   s.AccessLogformat,
		}
		if s.Metrics == "on" {
			o.Metrics = env.Metrics
		}
		if s.LogFormat == "json" {
			o.AccessLogFormat = "json"
		}
		if s.Keeps() != config.Off {
			o.KeepAlive = env.Limits.KeepAlive
		}
		app := web.New(o)
		giveBack()
		return app, nil
	})
}

// shareMemory makes this worker use the same copies of the packed weights and the same
// caches as the other workers, for all its pipelines. The weights of en_core_web_sm have
// 7 MB. If that fails, the worker uses memory of its own for all of them, and logs the
// reason.
func shareMemory(pipelines []*spacy.Pipeline) {
	weights, cache := share.Inherited()
	defer weights.Close() // the mappings stay
	defer cache.Close()
	if err := shareIn(weights, cache, pipelines); err != nil {
		logevent.MemoryNotShared.Log(slog.Default(), "this worker does not share memory with the other workers", "reason", err)
	}
}

// shareIn moves the weights of all pipelines to the one file, and their caches to the
// other.
func shareIn(weights, cache *os.File, pipelines []*spacy.Pipeline) error {
	var own [][]float32
	words := 0
	for _, p := range pipelines {
		p.Move(func(w []float32) []float32 {
			own = append(own, w)
			return w
		})
		// Only equal pipelines may share a cache, and equal weights do not prove that. The
		// sum covers the rest.
		own = append(own, []float32{math.Float32frombits(p.Sum())})
		words += p.CacheWords()
	}
	common, err := share.Floats(weights, own)
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		p.Move(func([]float32) []float32 {
			w := common[0]
			common = common[1:]
			return w
		})
		common = common[1:] // the sum
	}
	caches, err := share.Words(cache, words)
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		err := p.ShareCache(func(n int) ([]atomic.Uint64, error) {
			part := caches[:n:n]
			caches = caches[n:]
			return part, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
