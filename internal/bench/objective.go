package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Objective is a limit for a percentile of the latency, such as p99=20ms.
type Objective struct {
	Percentile float64 // 100 is the greatest
	Limit      time.Duration
	text       string
}

// ParseObjective reads an objective such as p50=5ms, p99.9=1s or max=2s. It fails with an
// OptionError.
func ParseObjective(text string) (Objective, error) {
	name, limit, _ := strings.Cut(text, "=")
	o := Objective{text: text, Percentile: 100}
	var err error
	if name != "max" {
		digits, isP := strings.CutPrefix(name, "p")
		o.Percentile, err = strconv.ParseFloat(digits, 64)
		if !isP || err != nil || !(o.Percentile > 0 && o.Percentile <= 100) {
			return o, wrong("objective %q: want a percentile and a time, such as p99=20ms or max=1s", text)
		}
	}
	if o.Limit, err = time.ParseDuration(limit); err != nil || o.Limit <= 0 {
		return o, wrong("objective %q: want a time such as 20ms after the =", text)
	}
	return o, nil
}

// Missed returns an error with the measured latency if the report misses the objective,
// and nil otherwise. An objective is missed, too, if no request is in Report.OK. Failed
// requests have no latency, so the caller has to look at Report.Failed as well.
func (o Objective) Missed(r *Report) error {
	got := r.Percentile(o.Percentile)
	if r.OK > 0 && got <= o.Limit {
		return nil
	}
	if r.OK == 0 {
		return fmt.Errorf("objective %s missed: no request had an answer with status 200", o.text)
	}
	return fmt.Errorf("objective %s missed: it is %s", o.text, short(got))
}
