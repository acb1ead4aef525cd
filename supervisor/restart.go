package supervisor

import "time"

// deaths decides when a slot whose worker died gets the next one. Two deaths in a
// row are repaired at once. From the third on the slot waits, twice as long each
// time. A worker that lived for liveTime clears the count.
type deaths struct{ inARow int }

const (
	freeDeaths  = 2
	firstWait   = 250 * time.Millisecond
	longestWait = 30 * time.Second
	liveTime    = 10 * time.Second
)

// died records a death and returns how long to wait before the next start.
func (d *deaths) died(lived time.Duration) time.Duration {
	if lived >= liveTime {
		d.inARow = 0
	}
	d.inARow++
	n := d.inARow - freeDeaths
	if n <= 0 {
		return 0
	}
	if n > 8 { // 250 ms · 2⁷ is already more than longestWaitWait
		return longestWait
	}
	return min(firstWait<<(n-1), longestWait)
}
