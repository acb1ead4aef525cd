package supervisor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ask sends a command as the control socket does. hear writes the outcomes that have
// come into the story.
func (st *stage) ask(what string) {
	f := strings.Fields(what)
	a := newAsk(command(f[0]))
	if len(f) > 1 {
		a.workers, _ = strconv.Atoi(f[1])
		a.quick = f[1] == "quick"
	}
	select {
	case st.m.asks <- a:
		st.asked = append(st.asked, asked{what, a})
	case <-st.m.gone:
		st.say("%s: nobody is there", what)
	}
}

type asked struct {
	what string
	*ask
}

func (st *stage) hear() {
	st.asked = slices.DeleteFunc(st.asked, func(a asked) bool {
		select {
		case o := <-a.reply:
			switch {
			case o.err != nil:
				st.say("asked to %s: failed: %v", a.what, o.err)
			case o.status != nil:
				st.say("asked to %s: %s, generation %d, %d wanted", a.what, o.status.State, o.status.Generation, o.status.Wanted)
				for _, w := range o.status.Workers {
					st.say("%s", strings.TrimRight(fmt.Sprintf("  w%d.%d generation %d %s for %v, %d in flight %s", w.Slot, w.Age, w.Generation, w.State, w.Uptime, w.InFlight, w.OldestRequest), " "))
				}
			default:
				st.say("asked to %s: %s", a.what, o.said)
			}
			return true
		default:
			return false
		}
	})
}
