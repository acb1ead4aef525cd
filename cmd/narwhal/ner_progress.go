package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// longInput is from where on a bar is worth its line: about a second's work.
const longInput = 1 << 20

// progress is a bar on a terminal's standard error. It appears once so much
// has been read that somebody waits, and never beside answers that go to the
// same terminal. A nil progress does nothing.
type progress struct {
	mu    sync.Mutex // a run that ends early leaves its reader behind
	w     io.Writer
	total int64 // -1: nobody knows
	read  int64
	bar   *progressbar.ProgressBar
}

func newProgress(total int64, stdout, stderr io.Writer) *progress {
	if !isTerminal(stderr) || isTerminal(stdout) || total >= 0 && total < longInput {
		return nil
	}
	return &progress{w: stderr, total: total}
}

// reader counts what is read through it.
func (p *progress) reader(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return counted{r, p}
}

type counted struct {
	io.Reader
	p *progress
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.add(n)
	return n, err
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read += int64(n)
	if p.bar == nil && p.read >= longInput {
		p.bar = progressbar.NewOptions64(p.total,
			progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription("narwhal ner"),
			progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
		n = int(p.read)
	}
	if p.bar != nil {
		p.bar.Add(n)
	}
}

// finish clears the bar.
func (p *progress) finish() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Finish()
	}
}
