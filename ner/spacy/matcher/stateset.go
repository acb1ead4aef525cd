package matcher

// stateSet is a set of states. It is a hash table with linear probing. An entry of an earlier
// round is free, so clear takes no time.
type stateSet struct {
	slots []stateSlot
	used  int
	round int32
}

type stateSlot struct {
	state
	round int32
}

func (s *stateSet) clear() {
	s.used = 0
	s.round++ // there are fewer rounds than tokens
}

// add adds a state, and returns false if it was there.
func (s *stateSet) add(x state) bool {
	if 2*s.used >= len(s.slots) {
		old := s.slots
		s.slots, s.used = make([]stateSlot, max(64, 2*len(old))), 0
		for _, slot := range old {
			if slot.round == s.round {
				s.add(slot.state)
			}
		}
	}
	mask := uint64(len(s.slots) - 1)
	i := (uint64(uint32(x.node))<<32 | uint64(uint32(x.start))) * 0x9e3779b97f4a7c15 >> 32
	for ; ; i++ {
		slot := &s.slots[i&mask]
		if slot.round != s.round {
			*slot = stateSlot{x, s.round}
			s.used++
			return true
		}
		if slot.state == x {
			return false
		}
	}
}
