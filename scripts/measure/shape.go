package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

// shape prints how the processor time of a text depends on its length and on its kind. It
// must run on one core, so that only the engine's work counts.
func shape(model, file string) error {
	p, err := spacy.Open(model, spacy.Options{})
	if err != nil {
		return err
	}
	defer p.Close()
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	news := string(b)

	fmt.Println("tokens   µs per token   against 1000 tokens")
	lengths := []int{10, 100, 1000, 10_000, 100_000}
	perToken := map[int]float64{}
	for _, n := range lengths {
		text, err := cut(p, news, n)
		if err != nil {
			return err
		}
		// Short texts are measured many times, because the clock is too coarse for one.
		d, err := cost(p, text, 3, max(1, 20_000/n))
		if err != nil {
			return err
		}
		perToken[n] = d.Seconds() * 1e6 / float64(n)
	}
	for _, n := range lengths {
		fmt.Printf("%6d %14.2f %20.2f\n", n, perToken[n], perToken[n]/perToken[1000])
	}

	fmt.Println("1 MB of                  ms   against news")
	var base time.Duration
	for _, of := range []struct{ name, unit string }{
		{"news", news + " "},
		{"dots", "."},
		{"one word", "a"},
		{"short words", "a "},
		{"spaces", " "},
		{"line ends", "\n"},
		{"NUL", "\x00"},
		{"emoji", "😀"},
		{"Chinese", "漢字。"},
		{"quotes", `"`},
		{"digits", "7"},
		{"addresses", "a@b."},
		{"names", "Anna and "},
		{"accents over a letter", "e\u0301"},
	} {
		// Because of the entity at the end, the parser must read the whole text.
		const end = " Barack Obama visited New York City."
		text := strings.Repeat(of.unit, (1_000_000-len(end))/len(of.unit)) + end
		if of.name == "news" { // warm up first
			if _, err := p.Entities(context.Background(), news); err != nil {
				return err
			}
		}
		d, err := cost(p, text, 1, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", of.name, err)
		}
		if base == 0 {
			base = d
		}
		fmt.Printf("%-22s %6.0f %14.2f\n", of.name, ms(d), float64(d)/float64(base))
	}
	return nil
}

// cut repeats a text, and cuts it off after n tokens.
func cut(p *spacy.Pipeline, text string, n int) (string, error) {
	tokens, err := p.Tokens(text)
	if err != nil {
		return "", err
	}
	for len(tokens) < n {
		text = strings.Repeat(text+" ", n/len(tokens)+1)
		if tokens, err = p.Tokens(text); err != nil {
			return "", err
		}
	}
	return text[:tokens[n-1].End], nil
}

// cost returns the processor time of a call of Entities, in the best of so many rounds.
func cost(p *spacy.Pipeline, text string, rounds, calls int) (time.Duration, error) {
	least := time.Duration(1 << 62)
	for range rounds {
		start, err := cpuTime()
		if err != nil {
			return 0, err
		}
		for range calls {
			if _, err := p.Entities(context.Background(), text); err != nil {
				return 0, err
			}
		}
		end, err := cpuTime()
		if err != nil {
			return 0, err
		}
		least = min(least, (end-start)/time.Duration(calls))
	}
	return least, nil
}

func cpuTime() (time.Duration, error) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano()), err
}
