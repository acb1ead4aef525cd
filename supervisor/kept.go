package supervisor

import (
	"strings"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// keep sets those options of o back to the ones in force that a reload cannot change: what
// the master has opened when it started. It returns the names of the settings that differed.
// (A bind that differs makes the reload fail. Logs that are streams are the caller's.)
func (o *Options) keep(inForce Options) (kept []string) {
	one := func(name string, wanted *string, have string) {
		if *wanted != have {
			*wanted, kept = have, append(kept, name)
		}
	}
	one("socket_mode", &o.SocketMode, inForce.SocketMode)
	if o.Backlog != inForce.Backlog {
		o.Backlog, kept = inForce.Backlog, append(kept, "backlog")
	}
	one("admin_bind", &o.Admin, inForce.Admin)
	one("pid", &o.Pid, inForce.Pid)
	one("control_socket", &o.Control, inForce.Control)
	one("statsd_host", &o.Statsd, inForce.Statsd)
	one("statsd_prefix", &o.StatsdPrefix, inForce.StatsdPrefix)
	return kept
}

// warnOfKept logs which changed settings the generation does not have.
func (m *master) warnOfKept(g *generation) {
	if len(g.kept) > 0 {
		logevent.SettingsKept.Log(m.log, "reload: these settings have changed and stay as they were", "settings", strings.Join(g.kept, ","),
			"hint", "they take effect at an upgrade or a restart")
	}
}

// aboutKept says the same at the end of the answer to narwhal reload.
func (g *generation) aboutKept() string {
	if len(g.kept) == 0 {
		return ""
	}
	return "; these changed settings need an upgrade or a restart: " + strings.Join(g.kept, ", ")
}
