package tokenizer

import (
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestRuneForms compares the form of every rune with package unicode.
func TestRuneForms(t *testing.T) {
	for r := range rune(utf8.MaxRune + 1) {
		f := runeForms.of(r)
		if f != formOf(r) {
			t.Fatalf("%U: the table has %#x, want %#x", r, f, formOf(r))
		}
		if got, want := r+f.toLower(), unicode.ToLower(r); got != want {
			t.Errorf("%U in lower case is %U, want %U", r, got, want)
		}
		want := r
		switch {
		case unicode.IsLetter(r) && unicode.IsUpper(r):
			want = 'X'
		case unicode.IsLetter(r):
			want = 'x'
		case isDigit(r):
			want = 'd'
		}
		if got := f.shape(r); got != want {
			t.Errorf("the shape of %U is %q, want %q", r, got, want)
		}
	}
}

func TestFirstAndLastRune(t *testing.T) {
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		for _, text := range [...]string{string(r), string(r) + "é", "é" + string(r)} {
			got, size := firstOf(text)
			if want, n := utf8.DecodeRuneInString(text); got != want || size != n {
				t.Fatalf("firstOf(%q) = %U, %d, want %U, %d", text, got, size, want, n)
			}
			got, size = lastOf(text)
			if want, n := utf8.DecodeLastRuneInString(text); got != want || size != n {
				t.Fatalf("lastOf(%q) = %U, %d, want %U, %d", text, got, size, want, n)
			}
		}
	}
}

// TestRuneTableSharesPages fills a table from several goroutines, and checks that pages of
// zeros share their memory.
func TestRuneTableSharesPages(t *testing.T) {
	table := runeTable[bool]{fill: func(first rune, page *runePage[bool]) {
		for i := range page {
			page[i] = first+rune(i) == 'é'
		}
	}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for r := range rune(utf8.MaxRune + 1) {
				if got, want := table.of(r), r == 'é'; got != want {
					t.Errorf("of(%U) = %t", r, got)
				}
			}
		})
	}
	wg.Wait()
	own := 0
	for i := range table.pages {
		if table.pages[i].Load() != &table.zeros {
			own++
		}
	}
	if own != 1 {
		t.Errorf("%d pages are not shared, want that of é alone", own)
	}
}
