package spacy

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

// movesOf returns a moves file with the JSON text.
func movesOf(text string) []byte {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(msgp.AppendString(b, "moves"), text)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "cfg"), 1)
	return msgp.AppendNil(msgp.AppendString(b, "neg_key"))
}

func TestClassOrder(t *testing.T) {
	for _, c := range []struct{ name, moves, want string }{
		{"by frequency, then by label, both falling",
			`{"0":{},"1":{"A":5,"C":5,"B":9},"2":{"A":1},"3":{"A":1},"4":{"A":1,"":1},"5":{"":1}}`,
			"B-B B-C B-A I-A L-A U-A U- O-"},
		{"by code point, not by alphabet",
			`{"1":{"b":1,"É":1,"Z":1,"a":1}}`,
			"B-É B-b B-a B-Z"},
		{"Missing has no class, and Out only without label",
			`{"0":{"":3,"A":1},"5":{"":1,"A":7}}`,
			"O-"},
		{"labels added after the training come last, with all their moves",
			`{"1":{"A":3,"N":-2,"M":-1},"2":{"A":3,"N":-1},"4":{"A":3,"M":-3,"":1},"5":{"":1}}`,
			"B-A I-A U-A U- O- B-N I-N B-M U-M"},
	} {
		classes, err := readMoves(movesOf(c.moves), &entitySystem)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, class := range classes {
			got = append(got, "MBILUO"[class.move:class.move+1]+"-"+class.label)
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestClassesOfTheModel checks the order of the classes of en_core_web_sm 3.8.0.
func TestClassesOfTheModel(t *testing.T) {
	classes, err := readMoves(readModelFile(t, "ner/moves"), &entitySystem)
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Fields("ORG DATE PERSON GPE MONEY CARDINAL NORP PERCENT WORK_OF_ART LOC TIME QUANTITY FAC EVENT ORDINAL PRODUCT LAW LANGUAGE")
	var want []class
	for move := moveBegin; move <= moveUnit; move++ {
		for _, l := range labels {
			want = append(want, class{move, l})
		}
	}
	want = append(want, class{moveUnit, ""}, class{moveOut, ""})
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(classes)); diff != "" {
		t.Errorf("ner (-want +got):\n%s", diff)
	}
	classes, err = readMoves(readModelFile(t, "parser/moves"), &parserSystem)
	if err != nil {
		t.Fatal(err)
	}
	var counts [numParserMoves]int
	for _, c := range classes {
		counts[c.move]++
	}
	if counts != [numParserMoves]int{1, 1, 47, 56, 1} || len(classes) != 106 {
		t.Errorf("parser has %v classes of each move", counts)
	}
}

func TestBadMoves(t *testing.T) {
	for text, want := range map[string]string{
		`{"9":{"A":1}}`:   `unknown move "9"`,
		`{"-1":{}}`:       `unknown move "-1"`,
		`{"x":{}}`:        `unknown move "x"`,
		`[]`:              "the list of moves: ",
		`{"1":{"A":1.5}}`: "the list of moves: ",
	} {
		if _, err := readMoves(movesOf(text), &entitySystem); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("readMoves(%s): %v, want %s…", text, err, want)
		}
	}
	if _, err := readMoves(nil, &entitySystem); err == nil {
		t.Error("readMoves of nothing: no error")
	}
	if _, err := readMoves(movesOf(`{}`)[:5], &entitySystem); err == nil {
		t.Error("readMoves of a cut file: no error")
	}
}

func TestBest(t *testing.T) {
	classes := []class{{moveBegin, "A"}, {moveBegin, ""}, {moveUnit, "A"}, {moveOut, ""}, {moveBegin, "late"}}
	groups := runs(classes, func(c class) bool { return c.move == moveBegin && c.label == "" })
	if diff := cmp.Diff("[{1 0 1} {4 2 3} {5 3 4} {1 4 5}]", fmt.Sprint(groups)); diff != "" {
		t.Fatalf("runs (-want +got):\n%s", diff)
	}
	all := [numEntityMoves]bool{moveBegin: true, moveUnit: true, moveOut: true}
	for _, c := range []struct {
		scores []float32
		valid  [numEntityMoves]bool
		want   int
		margin float64
	}{
		{[]float32{1, 9, 2, 3, 0}, all, 3, 1},
		{[]float32{1, 9, 2, 2, 2}, all, 2, 0}, // of equal scores the first one wins
		{[]float32{-4, 9, -5, -6, -3}, all, 4, 1},
		{[]float32{8, 9, 1, 0, 7}, all, 0, 1},
		{[]float32{5, 9, 1, 0, 7}, [numEntityMoves]bool{moveUnit: true, moveOut: true}, 2, 1},
		{[]float32{5, 9, 1, 0, 7}, [numEntityMoves]bool{moveOut: true}, 3, math.Inf(1)}, // only one move is valid
		{[]float32{5, 9, 1, 0, 7}, [numEntityMoves]bool{moveIn: true}, -1, math.NaN()},
	} {
		got, margin := best(c.scores, groups, c.valid[:])
		if got != c.want || got >= 0 && float64(margin) != c.margin {
			t.Errorf("best(%v, valid %v) = %d by %v, want %d by %v", c.scores, c.valid, got, margin, c.want, c.margin)
		}
	}
}
