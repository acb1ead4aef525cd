package supervisor

import "time"

// deaths decides when a slot whose worker died gets the next one. The first two
// are replaced at once; a slot that keeps dying waits longer each time. A
// worker that lived for a while clears the count: this is a decay, not a
// lifetime's account.
type deaths struct{ inARow int }

const (
	freeDeaths = 2
	firstWait  = 250 * time.Millisecond
	longest    = 30 * time.Second
	calm       = 10 * time.Second
)

// died records one death and says how long to wait.
func (d *deaths) died(lived time.Duration) time.Duration {
	if lived >= calm {
		d.inARow = 0
	}
	d.inARow++
	n := d.inARow - freeDeaths
	if n <= 0 {
		return 0
	}
	if n > 8 { // 250 ms · 2⁷ is already more than the longest
		return longest
	}
	return min(firstWait<<(n-1), longest)
}
