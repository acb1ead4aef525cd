package supervisor

import "github.com/narwhal-server/narwhal/internal/wire"

// leave begins a graceful stop. With a drain delay readiness fails first, and
// everything is served as before for as long: load balancers need a while to
// see it and send their requests elsewhere. Then the drain begins.
func (m *master) leave() {
	if m.o.DrainDelay <= 0 || m.onProbation() {
		m.stop(true)
		return
	}
	m.drainAt = m.now().Add(m.o.DrainDelay)
	m.ready.Store(false)
	m.log.Info("leaving; readiness fails, requests are served until the drain", "drain_delay", m.o.DrainDelay)
	for _, w := range m.byAge() {
		if w.state == Ready {
			m.tell(w, wire.Message{Kind: wire.Leave})
		}
	}
}
