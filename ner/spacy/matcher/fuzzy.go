package matcher

import "math"

// maxFuzzy is how long a text of FUZZY may be in code points. The time for a token of such
// a length grows with the square of it.
const maxFuzzy = 256

// edits is how many edits FUZZY allows for a text of n code points.
func edits(n int) int { return max(2, int(math.RoundToEven(0.3*float64(n)))) }

// within reports whether at most limit edits turn a into b. An edit inserts, removes or
// replaces a code point.
func within(a, b []rune, limit int) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > limit {
		return false
	}
	row := make([]int, len(a)+1) // row[i] is the distance of a[:i] to the part of b so far
	for i := range row {
		row[i] = i
	}
	for j, r := range b {
		before, least := row[0], j+1
		row[0] = j + 1
		for i, s := range a {
			d := before
			if s != r {
				d = 1 + min(before, row[i], row[i+1])
			}
			before, row[i+1] = row[i+1], d
			least = min(least, d)
		}
		if least > limit {
			return false
		}
	}
	return row[len(a)] <= limit
}
