package tokenizer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// BenchmarkTokenizeSearch searches for texts for which the tokenizer takes long. It
// changes the slowest text so far in one place, again and again. When no change has helped
// for some time, it begins again with a new text.
//
//	go test ./ner/spacy/tokenizer -run - -bench TokenizeSearch -benchtime 60s
//
// It prints the slowest texts. For each it prints the time per code point, compared with
// that of news.
func BenchmarkTokenizeSearch(b *testing.B) {
	tk := testTokenizer(b)
	s := &worstSearch{tb: b, tk: tk, pieces: matcherPieces, rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))}
	for _, rule := range [...]string{":)", "(:", "don't", "a.m.", "o.O", ":'(", "Ph.D.", "(╯°□°）╯︵┻━┻"} {
		s.pieces = append(s.pieces, rule)
	}
	// Random runes, because a list of pieces cannot have every kind.
	for range 200 {
		r := rune(s.rng.IntN(0x20000))
		if utf8.ValidRune(r) {
			s.pieces = append(s.pieces, string(r))
		}
	}
	for b.Loop() {
		s.step()
	}
	s.restart()
	slices.SortFunc(s.found, func(a, b worstText) int { return int(b.cost - a.cost) })
	news := s.cost(strings.Repeat(paragraph+" ", worstRunes/len(paragraph)))
	worst := 0.0
	for _, w := range s.found[:min(len(s.found), 10)] {
		cost := s.cost(w.text())
		worst = max(worst, cost)
		fmt.Printf("%5.0f ns a code point, %.1f of news: %q, at random: %t\n", cost, cost/news, w.unit, w.shuffled)
	}
	b.ReportMetric(news, "news-ns/rune")
	b.ReportMetric(worst, "worst-ns/rune")
}

// BenchmarkHostile prints the processor time per code point of a million code points of each
// unit in hostile, compared with that of news.
//
//	go test ./ner/spacy/tokenizer -run - -bench Hostile -benchtime 1x
func BenchmarkHostile(b *testing.B) {
	const runes = 1_000_000
	s := &worstSearch{tb: b, tk: testTokenizer(b)}
	for b.Loop() {
		news := s.cost(strings.Repeat(paragraph+" ", runes/len(paragraph)))
		worst := 0.0
		for _, unit := range hostile {
			cost := s.cost(strings.Repeat(unit, runes/utf8.RuneCountInString(unit)))
			worst = max(worst, cost/news)
			fmt.Printf("%5.0f ns a code point, %.1f of news: %q\n", cost, cost/news, unit)
		}
		b.ReportMetric(news, "news-ns/rune")
		b.ReportMetric(worst, "worst/news")
	}
}

// worstRunes is the length in runes of the texts of the search.
const worstRunes = 20_000

// worstText is a text made of a few pieces. They are repeated in the same order, or chosen
// at random if shuffled is set.
type worstText struct {
	unit     []string
	shuffled bool
	cost     float64
}

func (w worstText) text() string {
	var b strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for i, runes := 0, 0; runes < worstRunes; i++ {
		piece := w.unit[i%len(w.unit)]
		if w.shuffled {
			piece = w.unit[rng.IntN(len(w.unit))]
		}
		b.WriteString(piece)
		runes += utf8.RuneCountInString(piece)
	}
	return b.String()
}

type worstSearch struct {
	tb     testing.TB
	tk     *Tokenizer
	tokens []Token
	pieces []string
	rng    *rand.Rand
	worst  worstText
	failed int
	found  []worstText
}

// cost returns the processor time in nanoseconds that a code point of text takes: the
// smallest of seven measurements, because other programs use the machine, too.
func (s *worstSearch) cost(text string) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := int64(math.MaxInt64)
	for range 7 {
		start := s.now()
		s.tokens = s.tk.Tokenize(text, s.tokens[:0])
		best = min(best, s.now()-start)
	}
	return float64(best) / float64(utf8.RuneCountInString(text))
}

// now returns the processor time of this thread in nanoseconds.
func (s *worstSearch) now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		s.tb.Fatal(err)
	}
	return t.Nano()
}

func (s *worstSearch) restart() {
	if s.worst.unit != nil && !slices.ContainsFunc(s.found, func(w worstText) bool { return fmt.Sprint(w.unit) == fmt.Sprint(s.worst.unit) }) {
		s.found = append(s.found, s.worst)
	}
	s.worst, s.failed = worstText{}, 0
}

// step tries one change of the slowest text so far.
func (s *worstSearch) step() {
	next := worstText{unit: slices.Clone(s.worst.unit), shuffled: s.worst.shuffled}
	piece := s.pieces[s.rng.IntN(len(s.pieces))]
	at := s.rng.IntN(len(next.unit) + 1)
	switch change := s.rng.IntN(8); {
	case len(next.unit) == 0 || change < 3 && len(next.unit) < 12:
		next.unit = slices.Insert(next.unit, at, piece)
	case change < 5:
		next.unit[at%len(next.unit)] = piece
	case change < 7 && len(next.unit) > 1:
		next.unit = slices.Delete(next.unit, at%len(next.unit), at%len(next.unit)+1)
	default:
		next.shuffled = !next.shuffled
	}
	next.cost = s.cost(next.text())
	if next.cost > s.worst.cost {
		if next.cost < 1.01*s.worst.cost {
			s.failed++
		} else {
			s.failed = 0
		}
		s.worst = next
		return
	}
	if s.failed++; s.failed > 60 {
		s.restart()
	}
}
