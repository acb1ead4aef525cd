package bench

import (
	"context"
	"fmt"
	"time"
)

// Wait waits until a server that was just started answers. It sends the first text until
// an answer has status 200, again 50 ms after each failure. If ctx ends first, it returns
// the last failure. It fails at once for wrong options.
func Wait(ctx context.Context, o Options) error {
	r, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	c := client{run: r}
	defer c.close()
	defer context.AfterFunc(ctx, r.abort)() // the end of ctx also ends a wait for an answer
	var last error
	for {
		out := c.do(&r.requests[0], 0, time.Now())
		switch cutOff := r.aborted.Load() && kindOf(out.err) == ErrTimeout; {
		case out.err == nil && out.status == 200:
			return nil
		case out.err == nil:
			last = fmt.Errorf("status %d: %.200s", out.status, out.body)
		case !cutOff || last == nil: // otherwise the failure before says more
			last = out.err
		}
		again := time.NewTimer(50 * time.Millisecond)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return fmt.Errorf("wait for a first answer of %s: %w", r.target.address, last)
		}
	}
}
