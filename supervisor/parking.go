package supervisor

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/park"
)

// reserve is what a master needs of its descriptors besides connections.
const reserve = 256

// openLot makes the place for parked connections, or takes over the old
// master's. It holds what the process may.
func openLot(old *oldMaster, log *slog.Logger) (*park.Lot, error) {
	limit := reserve
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err == nil {
		limit = int(min(r.Cur, 1<<20)) - reserve
	}
	if old != nil && old.park != nil {
		return park.Inherit(old.park[0], old.park[1], limit, log)
	}
	return park.New(limit, log)
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
