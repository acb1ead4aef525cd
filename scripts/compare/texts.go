package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// paragraphLength is about how long generated texts are, in bytes. The paragraph is as
// long: 827 bytes, 176 tokens.
const paragraphLength = 827

// makeTexts returns n different texts that are like the paragraph in length and kind. Most
// names in them are new in each text, so that caches of texts or words do not help. The
// same n gives the same texts.
func makeTexts(n int) []string {
	g := &generator{rand.New(rand.NewPCG(uint64(n), 6))}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = g.text()
	}
	return texts
}

type generator struct{ *rand.Rand }

var frames = []string{
	"{City} is the {nth} largest city of {land}, with {number} inhabitants as of {day} {month} {year}[{small}] on {small}.{small} km2.",
	"Since the {nth} century, {City} has been one of the centres of {trade}, {trade} and {trade} between {land} and the {River} River.",
	"{Person} founded the {City} {house} in {year}, and {Person} led it until {month} {year}.",
	"About {small} percent of the people speak {tongue}; in {year} it was twice as many, {Person} told The {City} Times.",
	"The {house} of {City} costs ${number} a year, of which {land} pays {small}%, and opens at {small}:30 a.m. on {weekday}s.",
	"In {year}, {Company} Inc. bought {Company} & Sons for €{small}.{small} million, {small} days after {Person} had left.",
	"{Person} (born {day} {month} {year} in {City}, {land}) won the {City} Prize for the {nth} time.[{small}]",
	"Trains from {City} to {City} take {small} minutes; the {nth} of them leaves at {small} p.m. and isn't often full.",
	"The {River}, {number} metres long, rises near {City} and reaches the sea in {land}, where {Company} has its seat.",
}

var words = map[string][]string{
	"land":    strings.Fields("France Austria Japan Kenya Brazil Canada India Norway Spain Ghana Chile Poland Vietnam Turkey Egypt Peru Italy Greece"),
	"month":   strings.Fields("January February March April May June July August September October November December"),
	"weekday": strings.Fields("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
	"trade":   strings.Fields("finance diplomacy commerce fashion science music printing shipping medicine glass silk engineering"),
	"tongue":  strings.Fields("German French Swahili Spanish Arabic Polish Welsh Hindi Portuguese Tagalog English"),
	"house":   strings.Fields("University Museum Library Orchestra Observatory Opera Hospital Institute"),
	"nth":     strings.Fields("second third fourth fifth 12th 15th 17th 19th 30th"),
	"first":   strings.Fields("Anna Peter Maria John Sofia David Laura Ahmed Yuki Elena Kofi Ingrid Pablo Chen Olga Samuel"),
}

var starts = strings.Fields("Ba Bre Cal Dor El Fen Gra Hol Is Jar Kem Lu Mon Nor Ost Pel Qua Ros Sil Tar Ul Ver Wes Yor Zan")
var middles = strings.Fields("a e i o u an er in ol ar en is or al il um")
var ends = strings.Fields("burg ton ville stadt mouth ford dam ria polis berg wick lund field haven mar grad")

func (g *generator) text() string {
	var b strings.Builder
	for b.Len() < paragraphLength-60 {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		g.fill(&b, pick(g, frames))
	}
	return b.String()
}

// fill writes a frame, and replaces each {word} in it.
func (g *generator) fill(b *strings.Builder, frame string) {
	for {
		before, rest, found := strings.Cut(frame, "{")
		b.WriteString(before)
		if !found {
			return
		}
		word, after, _ := strings.Cut(rest, "}")
		b.WriteString(g.word(word))
		frame = after
	}
}

func (g *generator) word(kind string) string {
	switch kind {
	case "City", "River", "Company":
		return g.name()
	case "Person":
		return pick(g, words["first"]) + " " + g.name()
	case "year":
		return fmt.Sprint(1200 + g.IntN(825))
	case "day":
		return fmt.Sprint(1 + g.IntN(28))
	case "small":
		return fmt.Sprint(2 + g.IntN(97))
	case "number":
		return fmt.Sprintf("%d,%03d", 1+g.IntN(999), g.IntN(1000))
	}
	return pick(g, words[kind])
}

func (g *generator) name() string {
	return pick(g, starts) + pick(g, middles) + pick(g, ends)
}

func pick(g *generator, from []string) string { return from[g.IntN(len(from))] }
