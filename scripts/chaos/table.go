package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// add keeps a result, and prints it at once, because a run takes long.
func (r *runner) add(x result) {
	r.results = append(r.results, x)
	may := fmt.Sprintf(", %d may be", x.limit)
	if x.peer {
		may = ""
	}
	fmt.Fprintf(r.out, "%-29s %-9s %-24s %2d × %6d requests, %d lost%s\n", x.server, x.clients, x.event, x.times, x.sent, x.lost, may)
	figures := ""
	if x.figures != nil {
		figures = x.figures.String()
	}
	for _, line := range []string{figures, x.why, x.failed, x.note} {
		if line != "" {
			fmt.Fprintf(r.out, "    %s\n", line)
		}
	}
}

// exceeded returns the results that are not ok.
func (r *runner) exceeded() (bad []result) {
	for _, x := range r.results {
		if !x.ok() {
			bad = append(bad, x)
		}
	}
	return bad
}

// table prints results.
func table(w io.Writer, of []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SERVER\tCLIENTS\tEVENT\tTIMES\tREQUESTS\tLOST\tMAY BE LOST\tWHY")
	for _, x := range of {
		why := x.why
		if x.failed != "" {
			why = x.failed
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", x.server, x.clients, x.event, x.times, x.sent, x.lost, x.limit, why)
	}
	t.Flush() // an error would be that of standard output
}
