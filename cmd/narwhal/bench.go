package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/internal/bench"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "send requests to a server, measure and check the answers",
		ArgsUsage: "[URL]",
		Description: `Without a URL it is http://127.0.0.1:8000/. The http:// may be left out. There
are three ways to send:

   narwhal bench -n 1000 --trials 5 URL     1000 at once, each on a connection
                                            of its own, five times; the default
   narwhal bench -c 16 -z 10s URL           16 clients, each asks again when it
                                            has its answer (closed loop)
   narwhal bench -q 200 -z 10s URL          200 a second at random times,
                                            answered or not (open loop)

Requests are GET with a body, {"i_request": n, "text": …}. The open loop prints
the time from sending (service) and the time from when a request should have
been sent (response). The second is what users see.

Ctrl-C prints what was measured so far. The exit status is 1 if a request
failed, an answer differed (--check) or an objective was missed (--slo).`,
		Flags:  benchFlags(),
		Action: runBench,
	}
}

func benchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "requests", Aliases: []string{"n"}, DefaultText: "1000", Usage: "`N` requests of a trial"},
		&cli.IntFlag{Name: "trials", DefaultText: "5; 1 with -z or -q", Usage: "`N` trials, one after the other"},
		&cli.IntFlag{Name: "connections", Aliases: []string{"c"}, DefaultText: "as many as requests", Usage: "closed loop with `N` clients; with -q, the most connections"},
		&cli.GenericFlag{Name: "duration", Aliases: []string{"z"}, Value: new(benchDuration), DefaultText: "10s with -q", Usage: "send requests for this `TIME`, instead of -n"},
		&cli.Float64Flag{Name: "rate", Aliases: []string{"q"}, DefaultText: "none", Usage: "open loop: `N` requests a second in all"},
		&cli.IntFlag{Name: "max-in-flight", DefaultText: "1000", Usage: "with -q: when `N` are sent or wait, drop the next"},
		&cli.Uint64Flag{Name: "seed", Usage: "with -q: `N` chooses the random times"},
		&cli.StringFlag{Name: "method", Value: "GET", Usage: "`METHOD` is GET or POST"},
		&cli.StringFlag{Name: "text", DefaultText: "a paragraph of 827 bytes", Usage: "the `TEXT` to send"},
		&cli.PathFlag{Name: "texts", Usage: "send the texts of the file `PATH` in turn, lines such as {\"text\": \"…\"}"},
		&cli.BoolFlag{Name: "disable-keepalive", Usage: "a new connection for each request"},
		&cli.PathFlag{Name: "unix-socket", Usage: "connect to `PATH` instead of the URL's host"},
		&cli.GenericFlag{Name: "timeout", Value: new(benchDuration), DefaultText: "300s", Usage: "a request fails if it takes longer than `TIME`"},
		&cli.GenericFlag{Name: "wait", Value: new(benchDuration), DefaultText: "0", Usage: "before the first trial, wait up to `TIME` for the server to answer"},
		&cli.BoolFlag{Name: "check", Usage: "all answers to one text must be equal, and JSON"},
		&cli.StringSliceFlag{Name: "slo", Usage: "exit with 1 if `LIMIT` does not hold, such as p99=20ms; may be repeated"},
		&cli.BoolFlag{Name: "json", Usage: "print the report as JSON"},
		&cli.BoolFlag{Name: "allow-remote", Usage: "permit a server that is not on this machine"},
	}
}

func runBench(c *cli.Context) error {
	if err := benchTrailingFlags(c); err != nil {
		return err
	}
	o, err := benchOptions(c)
	if err != nil {
		return err
	}
	var objectives []bench.Objective
	for _, text := range c.StringSlice("slo") {
		objective, err := bench.ParseObjective(text)
		if err != nil {
			return benchError(err)
		}
		objectives = append(objectives, objective)
	}

	// The first Ctrl-C ends the run and prints the report. The second kills the program.
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	if patience := benchTime(c, "wait"); patience > 0 {
		waiting, cancel := context.WithTimeout(ctx, patience)
		err := bench.Wait(waiting, o)
		cancel()
		if err != nil {
			return benchError(err)
		}
	}
	report, err := bench.Run(ctx, o)
	if err != nil {
		return benchError(err)
	}
	if err := benchPrint(c.App.Writer, report, c.Bool("json")); err != nil {
		return err
	}
	return benchVerdict(report, objectives)
}

func benchOptions(c *cli.Context) (bench.Options, error) {
	o := bench.Options{
		URL:              benchURL(c.Args().First()),
		UnixSocket:       c.Path("unix-socket"),
		Method:           c.String("method"),
		Requests:         c.Int("requests"),
		Trials:           c.Int("trials"),
		Connections:      c.Int("connections"),
		Duration:         benchTime(c, "duration"),
		Rate:             c.Float64("rate"),
		MaxInFlight:      c.Int("max-in-flight"),
		Seed:             c.Uint64("seed"),
		DisableKeepAlive: c.Bool("disable-keepalive"),
		Timeout:          benchTime(c, "timeout"),
		Check:            c.Bool("check"),
		AllowRemote:      c.Bool("allow-remote"),
		Drain:            time.Second,
	}
	if err := benchCombination(c, o); err != nil {
		return o, err
	}
	if o.Rate > 0 && o.Requests == 0 && o.Duration == 0 {
		o.Duration = 10 * time.Second
	}
	if o.Trials == 0 && o.Rate == 0 && o.Duration == 0 {
		o.Trials = 5
	}
	switch {
	case c.IsSet("text") && c.IsSet("texts"):
		return o, &usageError{what: "both --text and --texts", hint: "give one of them"}
	case c.IsSet("text"):
		o.Texts = []string{c.String("text")}
	case c.IsSet("texts"):
		f, err := os.Open(c.Path("texts"))
		if err != nil {
			return o, fmt.Errorf("--texts: %w", err)
		}
		defer f.Close()
		if o.Texts, err = bench.ReadTexts(f); err != nil {
			return o, fmt.Errorf("--texts %s: %w", c.Path("texts"), err)
		}
	}
	if isTerminal(c.App.ErrWriter) {
		o.Progress = benchProgress(c.App.ErrWriter, o)
	}
	return o, nil
}

// benchProgress returns a function that draws a progress bar on w. The bar counts
// requests, or the time if a run has a duration.
func benchProgress(w io.Writer, o bench.Options) func(bench.Progress) {
	total := max(o.Requests, 1) * max(o.Trials, 1)
	if o.Requests == 0 && o.Duration == 0 {
		total = 1000 * o.Trials
	}
	if o.Duration > 0 {
		total = int(o.Duration.Milliseconds())
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	return func(p bench.Progress) {
		bar.Describe(fmt.Sprintf("%d answered, %d failed", p.Requests-p.Failed, p.Failed))
		done := p.Requests
		if o.Duration > 0 {
			done = int(p.Elapsed.Milliseconds())
		}
		bar.Set(min(done, total))
		if p.Done {
			bar.Finish()
		}
	}
}

func benchPrint(w io.Writer, r *bench.Report, asJSON bool) error {
	if !asJSON {
		return r.WriteText(w)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// benchVerdict returns an error, and so exit status 1, if a request failed, if none
// was counted, or if an objective was missed.
func benchVerdict(r *bench.Report, objectives []bench.Objective) error {
	var errs []error
	if r.Failed() > 0 {
		errs = append(errs, fmt.Errorf("%d of %d requests failed", r.Failed(), r.Requests))
	}
	if r.Requests == 0 {
		errs = append(errs, errors.New("no request was answered"))
	}
	for _, o := range objectives {
		if err := o.Missed(r); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// benchError adds a hint to an error of package bench about its options. It returns
// any other error unchanged.
func benchError(err error) error {
	var option bench.OptionError
	switch {
	case errors.Is(err, bench.ErrRemote):
		return &usageError{what: err.Error(), hint: "if you may load it, add --allow-remote"}
	case errors.As(err, &option):
		return &usageError{what: err.Error(), hint: "narwhal help bench shows how the flags go together"}
	}
	return err
}
