// Measure prints figures of the engine on this machine. measure.sh runs it. Times are taken
// in rounds, spaCy and narwhal in turn, and the best time of each is compared. So other
// work on the machine slows both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/kernel"
	"github.com/narwhal-server/narwhal/ner/spacy"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// options are the flags.
type options struct {
	python, model, narwhal, text string
	rounds                       int
}

// parts are what is measured, in this order. When the first part has run on one core, all
// others do.
var parts = []struct {
	name    string
	oneCore bool
	measure func(options) error
}{
	{"start", false, func(o options) error { return start(o.narwhal, o.model, o.rounds) }},
	{"memory", false, func(o options) error { return memory(o.narwhal, o.model) }},
	{"many", false, func(o options) error { return many(o.narwhal, o.model) }},
	{"scrape", false, func(o options) error { return scrape(o.narwhal, o.model) }},
	{"speed", true, func(o options) error { return speed(o.python, o.model, o.text, o.rounds) }},
	{"shape", true, func(o options) error { return shape(o.model, o.text) }},
	{"words", true, func(o options) error { return words(o.model) }},
}

func main() {
	var o options
	flag.StringVar(&o.python, "python", "python3", "a Python with spaCy")
	flag.StringVar(&o.model, "model", "models/en_core_web_sm", "the pipeline's directory")
	flag.StringVar(&o.narwhal, "narwhal", "bin/narwhal", "the server")
	flag.StringVar(&o.text, "text", "scripts/paragraph.txt", "the file with the text of the part speed")
	flag.IntVar(&o.rounds, "rounds", 10, "rounds of each measurement")
	only := flag.String("only", "", "measure only these `parts`, separated by commas: start, memory, many, scrape, speed, shape, words")
	flag.Parse()
	if err := run(o, *only); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(o options, only string) error {
	wanted := strings.Split(only, ",")
	done := 0
	for _, part := range parts {
		if only != "" && !slices.Contains(wanted, part.name) {
			continue
		}
		done++
		if part.oneCore {
			if err := oneCore(); err != nil {
				return err
			}
		}
		if err := part.measure(o); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if only != "" && done != len(wanted) {
		return fmt.Errorf("-only %s: see -help for the names of the parts", only)
	}
	return nil
}

// oneCore lets the rest of this goroutine, and the processes that it starts, run on one core.
func oneCore() error {
	runtime.LockOSThread()
	runtime.GOMAXPROCS(1)
	var cpu unix.CPUSet
	cpu.Set(0)
	return unix.SchedSetaffinity(0, &cpu)
}

// speed prints the time of a text with narwhal and with spaCy, for every kernel variant:
// the entities of the whole pipeline (full), those without the parser (ner), and all that the
// whole pipeline finds (doc).
func speed(python, model, file string, rounds int) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(b)
	ref, err := startSpacy(python, model, file)
	if err != nil {
		return err
	}
	defer ref.Kill()
	fmt.Println(ref.greeting)
	fmt.Println("variant   pipeline   load to first answer   narwhal ms   spaCy ms   times faster")
	for _, variant := range kernel.Variants() {
		restore, err := kernel.SetVariant(variant)
		if err != nil {
			return err
		}
		for _, what := range []string{"full", "ner", "doc"} {
			opts := spacy.Options{}
			if what == "ner" {
				opts.Exclude = []string{"parser"}
			}
			compute := func(p *spacy.Pipeline) (err error) {
				if what == "doc" {
					_, err = p.Analyze(context.Background(), text, ner.Whole)
				} else {
					_, err = p.Entities(context.Background(), text)
				}
				return err
			}
			load := time.Duration(1 << 62)
			var p *spacy.Pipeline
			for range 5 {
				start := time.Now()
				if p, err = spacy.Open(model, opts); err != nil {
					return err
				}
				if err := compute(p); err != nil {
					return err
				}
				load = min(load, time.Since(start))
			}
			ours, theirs := time.Duration(1<<62), time.Duration(1<<62)
			for range rounds {
				for range 50 {
					start := time.Now()
					if err := compute(p); err != nil {
						return err
					}
					ours = min(ours, time.Since(start))
				}
				t, err := ref.time(what)
				if err != nil {
					return err
				}
				theirs = min(theirs, t)
			}
			fmt.Printf("%-9s %-10s %17.1f ms %12.3f %10.2f %14.1f\n", variant, what, ms(load), ms(ours), ms(theirs), float64(theirs)/float64(ours))
		}
		restore()
	}
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// reference is a Python program that measures spaCy when asked.
type reference struct {
	*proc.Talk
	greeting string
}

func startSpacy(python, model, file string) (*reference, error) {
	cmd := exec.Command(python, "scripts/measure/spacy_time.py", model, file)
	cmd.Stderr = os.Stderr
	talk, err := proc.StartTalk(cmd)
	if err != nil {
		return nil, err
	}
	greeting, err := talk.Read()
	if err != nil {
		talk.Kill()
		return nil, fmt.Errorf("spaCy did not start: %w", err)
	}
	return &reference{talk, greeting}, nil
}

func (r *reference) time(what string) (time.Duration, error) {
	line, err := r.Ask(what)
	if err != nil {
		return 0, fmt.Errorf("spaCy has ended: %w", err)
	}
	s, err := strconv.ParseFloat(line, 64)
	return time.Duration(s * 1e9), err
}

// words gives the engine 2,000,000 different words, and prints how its memory grows.
func words(model string) error {
	p, err := spacy.Open(model, spacy.Options{})
	if err != nil {
		return err
	}
	fmt.Println("distinct words   heap MB")
	var m runtime.MemStats
	var text strings.Builder
	for i := 1; i <= 2_000_000; i++ {
		fmt.Fprintf(&text, "w%07dx ", i)
		if i%100 != 0 {
			continue
		}
		if _, err := p.Entities(context.Background(), text.String()); err != nil {
			return err
		}
		text.Reset()
		if i%500_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			fmt.Printf("%14d %9.1f\n", i, float64(m.HeapAlloc)/1e6)
		}
	}
	return nil
}
