package bench

import (
	"context"
	"fmt"
	"time"
)

// Wait asks with the first text until the answer has status 200, for whoever has
// just started a server. It asks again 50 ms after each failure, until ctx ends.
func Wait(ctx context.Context, o Options) error {
	r, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	c := client{run: r}
	defer c.close()
	defer context.AfterFunc(ctx, r.abort)() // do not wait for an answer that does not come
	var last error
	for {
		out := c.do(&r.requests[0], 0, time.Now())
		switch cutOff := r.aborted.Load() && kindOf(out.err) == ErrTimeout; {
		case out.err == nil && out.status == 200:
			return nil
		case out.err == nil:
			last = fmt.Errorf("status %d: %.200s", out.status, out.body)
		case !cutOff || last == nil: // what went wrong before says more
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
