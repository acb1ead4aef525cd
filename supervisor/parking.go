package supervisor

import (
	"log/slog"
	"time"

	"github.com/narwhal-server/narwhal/internal/park"
)

// openLot makes the place for so many parked connections, or takes over the old
// master's.
func openLot(old *oldMaster, most int, log *slog.Logger) (*park.Lot, error) {
	if old != nil && old.park != nil {
		return park.Inherit(old.park[0], old.park[1], most, log)
	}
	return park.New(most, log)
}

func (s *machine) startParking() {
	if !s.parking {
		s.parking = true
		s.lot.Start()
	}
}

func (s *machine) EndParking(linger time.Duration) {
	s.startParking() // of a new master that never took over
	s.lot.End(linger)
}

func (s *machine) Parked() int { return s.lot.Len() }
