package supervisor

import (
	"log/slog"
	"time"

	"github.com/narwhal-server/narwhal/internal/park"
)

// openLot makes the place for at most so many parked connections, or takes the one
// of the old master.
func openLot(old *oldMaster, most int, log *slog.Logger) (*park.Lot, error) {
	if old != nil && old.park != nil {
		return park.Inherit(old.park[0], old.park[1], most, log)
	}
	return park.New(most, log)
}

// startParking starts the goroutine that takes parked connections, once.
func (s *machine) startParking() {
	if !s.parking {
		s.parking = true
		s.lot.Start()
	}
}

// EndParking closes the parked connections after linger.
func (s *machine) EndParking(linger time.Duration) {
	s.startParking() // a new master that never took over has not started it
	s.lot.End(linger)
}

// Parked returns the number of parked connections.
func (s *machine) Parked() int { return s.lot.Len() }
