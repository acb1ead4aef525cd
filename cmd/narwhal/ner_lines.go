package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

// One goroutine reads the lines, one for each core answers them, and one writes the
// answers in the order of the lines:
//
//	read ──> ordered ─────────────────────────> write
//	    └──> work ──> answer, on each core ──┘ done
//
// maxInFlight bounds the bytes of the lines between reader and writer. So the memory
// does not depend on the length of the input.
const (
	// maxLine is the longest line in bytes. It has room for a text of spaCy's full
	// length in which every character is escaped as a surrogate pair.
	maxLine     = 12*spacy.MaxLength + 1<<16
	maxInFlight = 64 << 20
)

// nerLines answers the lines of all files. For a line that cannot be answered it writes an
// error, and then it also returns an error at the end. It ends early if ctx ends, or
// if reading or writing fails.
func nerLines(ctx context.Context, rec ner.Recognizer, in input, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	procs := runtime.GOMAXPROCS(0)
	work := make(chan *line)
	ordered := make(chan *line, 64*procs)
	budget := newBudget(maxInFlight)

	bar := newProgress(in.size(stdin), stdout, stderr)
	defer bar.finish()
	var readErr error // set before ordered is closed
	go func() {
		defer close(ordered)
		defer close(work)
		readErr = in.each(stdin, func(name string, r io.Reader) error {
			return readLines(name, bar.reader(r), func(l *line) error {
				if !budget.take(ctx, len(l.raw)) {
					return ctx.Err()
				}
				for _, to := range []chan<- *line{ordered, work} {
					select {
					case to <- l:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		})
	}()
	for range procs {
		go func() {
			for l := range work {
				l.answer(ctx, rec)
				close(l.done)
			}
		}()
	}

	w := bufio.NewWriterSize(stdout, 1<<16)
	lines, bad := 0, 0
	for {
		if len(ordered) == 0 {
			// A program may wait for this answer before it sends the next line.
			if err := w.Flush(); err != nil {
				return err
			}
		}
		var l *line
		var ok bool
		select {
		case l, ok = <-ordered:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !ok {
			break
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.err != nil {
			return l.err
		}
		lines++
		if l.bad {
			bad++
		}
		if _, err := w.Write(l.out); err != nil {
			return err
		}
		budget.give(len(l.raw))
	}
	if err := errors.Join(readErr, w.Flush()); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d lines have an error instead of entities", bad, lines)
	}
	return nil
}

// readLines calls do with each line of r. It skips a byte order mark, and cuts off what
// exceeds maxLine. It stops at the first error.
func readLines(name string, r io.Reader, do func(*line) error) error {
	b := bufio.NewReaderSize(r, 1<<16)
	if bom, err := b.Peek(3); err == nil && string(bom) == "\ufeff" {
		b.Discard(3)
	}
	for n := 1; ; n++ {
		l := &line{where: fmt.Sprintf("line %d", n), done: make(chan struct{})}
		if name != "" {
			l.where = name + ", " + l.where
		}
		for {
			part, err := b.ReadSlice('\n')
			if room := maxLine - len(l.raw); len(part) > room {
				l.long = true
				part = part[:room]
			}
			l.raw = append(l.raw, part...)
			if err == nil {
				break
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if !errors.Is(err, io.EOF) {
				return err
			}
			if len(l.raw) == 0 { // the input ended with a newline
				return nil
			}
			return do(l)
		}
		if err := do(l); err != nil {
			return err
		}
	}
}

// budget limits the bytes of lines between the reader and the writer. A line that is
// larger than the limit is let through when it is alone.
type budget struct {
	mu   sync.Mutex
	free *sync.Cond
	used int
	max  int
}

func newBudget(max int) *budget {
	b := &budget{max: max}
	b.free = sync.NewCond(&b.mu)
	return b
}

// take waits until there is room for n bytes. It returns false if ctx has ended.
func (b *budget) take(ctx context.Context, n int) bool {
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.free.Broadcast()
	})
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used > 0 && b.used+n > b.max && ctx.Err() == nil {
		b.free.Wait()
	}
	b.used += n
	return ctx.Err() == nil
}

func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.free.Broadcast()
}
