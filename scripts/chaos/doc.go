package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// write puts the results into a document, between the two marks of a section. It fails if
// the document does not have the marks.
func (r *runner) write(file, section string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	open, end := fmt.Appendf(nil, "<!-- %s -->\n", section), fmt.Appendf(nil, "<!-- /%s -->", section)
	from, to := bytes.Index(text, open), bytes.Index(text, end)
	if from < 0 || to < from {
		return fmt.Errorf("%s has no section between %q and %q", file, open, end)
	}
	var new bytes.Buffer
	new.Write(text[:from+len(open)])
	new.WriteString(markdown(r.results))
	new.Write(text[to:])
	return os.WriteFile(file, new.Bytes(), 0o644)
}

// markdown returns up to three tables. The first has a row for each server and kind of
// client, and a column for each event. The second has a row for each fault and for noise, and the third
// one for each crowd. Notes follow.
func markdown(results []result) string {
	var b strings.Builder
	row := func(x result) string { return x.server + ", " + x.clients }
	most := map[string]int{} // how often an event occurred, where it did not fail
	for _, x := range results {
		most[x.event] = max(most[x.event], x.times)
	}
	column := func(x result) string { return fmt.Sprintf("%d × %s", most[x.event], x.event) }
	var lifecycle, broken, crowded []result
	for _, x := range results {
		if x.isCrowd() {
			crowded = append(crowded, x)
		} else if x.event == noiseEvent || slices.ContainsFunc(faults, func(f fault) bool { return f.name == x.event }) {
			broken = append(broken, x)
		} else {
			lifecycle = append(lifecycle, x)
		}
	}
	if len(lifecycle) > 0 {
		grid(&b, "server, clients", lifecycle, row, column)
	}
	if len(broken) > 0 {
		b.WriteByte('\n')
		grid(&b, "fault", broken, func(x result) string { return x.event }, func(x result) string { return x.server })
	}
	if len(crowded) > 0 {
		b.WriteByte('\n')
		crowdTable(&b, crowded)
	}
	notes := false
	for _, x := range results {
		if x.note != "" {
			if !notes {
				b.WriteByte('\n')
				notes = true
			}
			fmt.Fprintf(&b, "- %s, %s: %s\n", row(x), x.event, x.note)
		}
	}
	return b.String()
}

func grid(b *strings.Builder, corner string, of []result, row, column func(result) string) {
	var rows, columns []string
	cells := map[[2]string]string{}
	for _, x := range of {
		r, c := row(x), column(x)
		if !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
		cells[[2]string{r, c}] = fmt.Sprintf("%d of %d", x.lost, x.sent)
		if x.note != "" {
			cells[[2]string{r, c}] += " (see below)"
		}
	}
	fmt.Fprintf(b, "| %s | %s |\n|%s\n", corner, strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)+1))
	for _, r := range rows {
		fmt.Fprintf(b, "| %s |", r)
		for _, c := range columns {
			fmt.Fprintf(b, " %s |", cells[[2]string{r, c}])
		}
		b.WriteByte('\n')
	}
}
