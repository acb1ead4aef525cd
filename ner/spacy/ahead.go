package spacy

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// The vectors of a piece of a text do not depend on the decisions for the tokens before
// it. So while the caller's goroutine decides, other goroutines compute the pieces of a
// long text that it needs next. They run only on processors that no call uses.

// computing is the number of goroutines of this process that compute: one for each call of
// a pipeline, and the helpers of long texts. It is a variable of the package, because all
// pipelines share the processors.
var computing atomic.Int32

// idle reports whether a processor is left for one more goroutine, and takes it. The
// caller gives it back with computing.Add(-1).
func idle() bool {
	for {
		n := computing.Load()
		if int(n) >= runtime.GOMAXPROCS(0) {
			return false
		}
		if computing.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// longText is a number of tokens. Only texts with more tokens are computed by several
// goroutines. All pieces of such a text are computed whole, with and without helpers, so
// the results do not depend on whether processors are idle.
const longText = 2 * encodeRows

// window is how many pieces the helpers are ahead of a decoder at most. A decoder that
// stops early, such as the parser after the last entity, leaves so many pieces unused.
const window = 3

// coming is a piece of a text that its decoder has not reached.
type coming struct {
	state   comingState
	vectors []float32
}

type comingState uint8

const (
	notBegun comingState = iota
	running              // a goroutine computes it
	computed
)

// ahead computes the pieces of one long text. Its decoders share it. The goroutine that
// calls take is the caller's. All others are helpers.
type ahead struct {
	mu       sync.Mutex // guards all fields, and coming, reached and spare of the features
	changed  sync.Cond  // a piece was computed, a decoder has moved on, a helper has left
	decoders []*features
	helpers  int
	ctx      context.Context // of the helpers
	stop     context.CancelFunc
}

// newAhead returns an ahead for a text. The decoders have begun it. The caller calls leave
// at last.
func newAhead(decoders ...*features) *ahead {
	a := &ahead{decoders: decoders}
	a.changed.L = &a.mu
	a.ctx, a.stop = context.WithCancel(context.Background())
	for _, f := range decoders {
		f.ahead, f.reached = a, 0
		f.coming = grow(f.coming, (len(f.tokens)+encodeRows-1)/encodeRows)
		clear(f.coming)
	}
	return a
}

// leave ends the helpers and waits until they have left.
func (a *ahead) leave() {
	a.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed.Broadcast()
	for a.helpers > 0 {
		a.changed.Wait()
	}
	for _, f := range a.decoders {
		f.ahead = nil
	}
}

// take makes the vectors of the next piece of f available, and drops the pieces before
// token keep. It computes the piece if no helper has begun it. While a helper computes it,
// take computes later pieces.
func (a *ahead) take(ctx context.Context, f *features, keep int) error {
	a.recruit()
	a.mu.Lock()
	defer a.mu.Unlock()
	f.drop(keep / encodeRows)
	piece := &f.coming[f.reached]
	for piece.state != computed {
		g, i := f, f.reached
		if piece.state == running {
			g, i = a.next()
		}
		if g == nil {
			a.changed.Wait()
		} else if err := a.compute(ctx, f.encoder, g, i); err != nil {
			return err
		}
	}
	f.vectors = append(f.vectors, piece.vectors)
	piece.vectors = nil
	f.reached++
	f.encoded = min(f.reached*encodeRows, len(f.tokens))
	a.changed.Broadcast()
	return nil
}

// next returns the piece that will be needed first of those that no goroutine has begun.
// It returns nil if all pieces in the window are begun. a.mu is held.
func (a *ahead) next() (f *features, i int) {
	for _, d := range a.decoders {
		for j := d.reached; j < min(d.reached+window, len(d.coming)); j++ {
			if d.coming[j].state == notBegun {
				if f == nil || j < i {
					f, i = d, j
				}
				break
			}
		}
	}
	return f, i
}

// compute computes a piece. a.mu is held, but not while it computes. After an error or a
// panic the piece is not begun.
func (a *ahead) compute(ctx context.Context, e *encoder, f *features, i int) error {
	first := i * encodeRows
	piece := coming{computed, f.pieceMemory(first)}
	f.coming[i].state = running
	a.mu.Unlock()
	var done coming
	defer func() {
		a.mu.Lock()
		f.coming[i] = done
		a.changed.Broadcast()
	}()
	if err := f.encode(ctx, e, piece.vectors, first, min(first+encodeRows, len(f.tokens))); err != nil {
		return err
	}
	done = piece
	return nil
}

// recruit starts a helper if a processor is idle.
func (a *ahead) recruit() {
	if idle() {
		a.mu.Lock()
		a.helpers++
		a.mu.Unlock()
		go a.help()
	}
}

// encoders has the working memory of helpers.
var encoders = sync.Pool{New: func() any { return &encoder{} }}

// help computes pieces until the text ends, or another call needs the processor. If it
// panics, it leaves. The caller's goroutine then computes the piece again, panics too, and
// may recover.
func (a *ahead) help() {
	defer func() { _ = recover() }()
	a.mu.Lock()
	defer func() {
		a.helpers--
		computing.Add(-1)
		a.changed.Broadcast()
		a.mu.Unlock()
	}()
	e := encoders.Get().(*encoder)
	e.ready = nil
	for a.ctx.Err() == nil && int(computing.Load()) <= runtime.GOMAXPROCS(0) {
		f, i := a.next()
		if f == nil {
			a.changed.Wait()
			continue
		}
		_ = a.compute(a.ctx, e, f, i) // an error means that the text has ended
	}
	encoders.Put(e)
}
