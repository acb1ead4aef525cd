package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// longInput is the least number of bytes for which there is a bar. narwhal takes about
// a second for them.
const longInput = 1 << 20

// progress draws a bar on standard error. There is a bar only if standard error is a
// terminal and the answers go elsewhere, and only after longInput bytes have been read.
// A nil *progress is valid: reader and finish then do nothing.
type progress struct {
	mu    sync.Mutex // finish may run while a goroutine still reads
	w     io.Writer
	total int64 // bytes of the input; -1: unknown
	read  int64
	bar   *progressbar.ProgressBar
}

func newProgress(total int64, stdout, stderr io.Writer) *progress {
	if !isTerminal(stderr) || isTerminal(stdout) || total >= 0 && total < longInput {
		return nil
	}
	return &progress{w: stderr, total: total}
}

// reader returns a reader that counts what is read from r.
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

// add counts n bytes. It draws the bar from longInput bytes on.
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
