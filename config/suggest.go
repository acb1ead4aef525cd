package config

import "strings"

// Nearest returns the candidate that word most likely means: the one with the fewest
// typing errors between the two, or else the only one that begins with word. Longer
// words may have more errors, because a wrong guess is worse than none. The second
// result is false if there is no such candidate.
func Nearest(word string, candidates []string) (string, bool) {
	best, distance := "", 1+(len(word)+1)/4
	for _, c := range candidates {
		if d := slips(word, c); d < distance {
			best, distance = c, d
		}
	}
	if best != "" {
		return best, true
	}
	if len(word) < 3 {
		return "", false
	}
	for _, c := range candidates {
		if !strings.HasPrefix(c, word) {
			continue
		}
		if best != "" {
			return "", false
		}
		best = c
	}
	return best, best != ""
}

// slips counts typing errors: the letters to add, drop, change or swap with their
// neighbour to make b out of a (the optimal string alignment distance).
func slips(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// suggest returns a hint at what a setting that does not exist may mean, or "" if there
// is no good guess. name is written like a flag without the dashes in front. show
// returns a setting in the form that the user has to write, or "" if it has none.
func suggest(name string, show func(Setting) string) string {
	if s, ok := Lookup(name); ok { // such as an alias, which is for the command line only
		if text := show(s); text != "" {
			return "did you mean " + text + "?"
		}
	}
	if hint := elsewhere(name, show); hint != "" {
		return hint
	}
	var known []string
	for _, s := range Table() {
		if show(s) != "" {
			known = append(append(known, s.Name), s.Aliases...)
		}
	}
	if near, ok := Nearest(name, known); ok {
		s, _ := Lookup(near)
		return "did you mean " + show(s) + "?"
	}
	return ""
}
