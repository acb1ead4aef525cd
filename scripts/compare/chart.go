package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a line chart, drawn as SVG. Its background and its text follow the reader's
// colour scheme, so the text is legible on every page.
type chart struct {
	title, x, y string
	xTicks      []float64 // the numbers on the x axis; the axis goes from the first to the last
	xLog        bool
	series      []series
	mark        string // the label of a vertical line at x = 0; "": no line
}

type series struct {
	name   string
	colour string
	dashed bool
	points [][2]float64
	failed []float64 // x of failures: crosses at the top
}

const (
	width, height = 760, 420
	left, right   = 64, 220 // the legend is at the right
	top, bottom   = 58, 48
)

// palette has the colours of each class on a light and on a dark background.
var palette = []struct{ class, light, dark string }{
	{"a", "#0969da", "#58a6ff"},
	{"b", "#8250df", "#bc8cff"},
	{"c", "#bc4c00", "#ffa657"},
	{"d", "#bf3989", "#f778ba"},
	{"e", "#1a7f37", "#3fb950"},
	{"f", "#cf222e", "#ff7b72"},
}

// style returns the style sheet. It uses no CSS variables, because some programs that
// show SVG do not know them.
func style() string {
	var light, dark strings.Builder
	rule := func(b *strings.Builder, class, colour string) {
		fmt.Fprintf(b, ".%[1]s .line, .%[1]s .cross { stroke: %[2]s } .%[1]s .dot { fill: %[2]s }\n", class, colour)
	}
	for _, p := range palette {
		rule(&light, p.class, p.light)
		rule(&dark, p.class, p.dark)
	}
	return `<style>
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-size: 14px; font-weight: 600 }
.card { fill: #ffffff; stroke: #d0d7de } .grid { stroke: #d8dee4 } .mark { stroke: #57606a; stroke-dasharray: 2 3 }
.line { fill: none; stroke-width: 2 } .cross { fill: none; stroke-width: 1.5 }
` + light.String() + `@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .card { fill: #0d1117; stroke: #30363d } .grid { stroke: #21262d } .mark { stroke: #8b949e }
` + dark.String() + `}
</style>`
}

// svg draws the chart. The vertical axis is logarithmic, because the servers differ by
// factors. Points that are not above 0 are left out.
func (c chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n%s\n", width, height, html.EscapeString(c.title), style())
	fmt.Fprintf(&b, `<rect class="card" x=".5" y=".5" width="%d" height="%d" rx="6"/>`+"\n", width-1, height-1)
	text(&b, "title", left, 24, "start", c.title)
	yTicks := logTicks(c.values())
	x := axis{c.xTicks[0], c.xTicks[len(c.xTicks)-1], left, width - right, c.xLog}
	y := axis{yTicks[0], yTicks[len(yTicks)-1], height - bottom, top, true}

	for _, v := range yTicks {
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/>`+"\n", left, y.at(v), width-right)
		text(&b, "", left-6, y.at(v)+4, "end", number(v))
	}
	for _, v := range c.xTicks {
		text(&b, "", x.at(v), height-bottom+18, "middle", number(v))
	}
	text(&b, "", (left+width-right)/2, height-10, "middle", c.x)
	text(&b, "", left-48, top-12, "start", c.y)
	if c.mark != "" {
		fmt.Fprintf(&b, `<path class="mark" d="M%.1f %dV%d"/>`+"\n", x.at(0), top, height-bottom)
		text(&b, "", x.at(0)+4, top+12, "start", c.mark)
	}
	for i, s := range c.series {
		fmt.Fprintf(&b, `<g class="%s">`+"\n", s.colour)
		c.draw(&b, s, x, y)
		legend := float64(top + 12 + 20*i)
		line(&b, s, fmt.Sprintf("M%d %.1fh20", width-right+12, legend-4))
		text(&b, "", width-right+38, legend, "start", s.name)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c chart) draw(b *strings.Builder, s series, x, y axis) {
	var path strings.Builder
	for _, p := range s.points {
		if p[1] <= 0 || c.xLog && p[0] <= 0 {
			continue
		}
		command := 'L'
		if path.Len() == 0 {
			command = 'M'
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", command, x.at(p[0]), y.at(p[1]))
		if len(s.points) < 20 {
			fmt.Fprintf(b, `<circle class="dot" cx="%.1f" cy="%.1f" r="3"/>`+"\n", x.at(p[0]), y.at(p[1]))
		}
	}
	if path.Len() > 0 {
		line(b, s, path.String())
	}
	for _, at := range s.failed {
		fmt.Fprintf(b, `<path class="cross" d="M%.1f %dl6 6m0 -6l-6 6"/>`+"\n", x.at(at)-3, top+20)
	}
}

func line(b *strings.Builder, s series, path string) {
	dash := ""
	if s.dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(b, `<path class="line"%s d="%s"/>`+"\n", dash, path)
}

func text(b *strings.Builder, class string, x, y float64, anchor, words string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(b, `<text%s x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(words))
}

func (c chart) values() (all []float64) {
	for _, s := range c.series {
		for _, p := range s.points {
			all = append(all, p[1])
		}
	}
	return all
}

// axis maps values to pixels.
type axis struct {
	low, high float64
	from, to  float64
	log       bool
}

func (a axis) at(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	if high == low {
		return (a.from + a.to) / 2
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// logTicks returns numbers for a logarithmic axis that covers all values above 0: the
// powers of ten, and 2 and 5 times these unless that would be too many.
func logTicks(values []float64) []float64 {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if high == 0 {
		return []float64{1, 10}
	}
	steps := []float64{1, 2, 5}
	if high/low > 1000 {
		steps = steps[:1]
	}
	var ticks []float64
	for e := math.Floor(math.Log10(low)); ; e++ {
		for _, s := range steps {
			v := s * math.Pow(10, e)
			if v <= low { // the axis begins with the last tick below all values
				ticks = ticks[:0]
			}
			if ticks = append(ticks, v); v >= high && len(ticks) > 1 {
				return ticks
			}
		}
	}
}

// number formats a number shortly: 0.05, 2, 1500, 52928.
func number(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}
