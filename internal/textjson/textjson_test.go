package textjson

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
)

func TestRead(t *testing.T) {
	o, fault := Read([]byte(" {\"a\" : 1.10,\"b\":[ {\"c\":\"]\\\"}\"}],\n\t\"\\u0061\":-0 , \"\":{\"}\":\"{\"}}\n"))
	if fault != nil {
		t.Fatal(fault)
	}
	want := Object{
		{"a", []byte(`"a"`), []byte(`-0`)},
		{"b", []byte(`"b"`), []byte(`[ {"c":"]\"}"}]`)},
		{"", []byte(`""`), []byte(`{"}":"{"}`)},
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o, fault := Read([]byte(`{}`)); fault != nil || len(o) != 0 {
		t.Errorf("of {}: %v, %+v", o, fault)
	}
	for in, want := range map[string]Kind{``: NotJSON, `{"a":1`: NotJSON, `{}x`: NotJSON, `{"a":NaN}`: NotJSON, `[1]`: NotObject, ` null`: NotObject, `"{}"`: NotObject} {
		if _, fault := Read([]byte(in)); fault == nil || fault.Kind != want || (want == NotJSON) != (fault.Err != nil) {
			t.Errorf("Read(%q): %+v, want kind %d", in, fault, want)
		}
	}
}

func TestReadPython(t *testing.T) {
	o, fault := ReadPython([]byte(`{"a":[NaN,-Infinity , 1],"b":Infinity,"text":"NaN"}`))
	if fault != nil {
		t.Fatalf("%+v", fault)
	}
	if text, fault := o.Text(); text != "NaN" || fault != nil {
		t.Errorf("text %q, %+v", text, fault)
	}
	for _, in := range []string{`{"a":NaN1}`, `{"a":-NaN}`, `{NaN:1}`, `{"a":1NaN}`, `{"a":nan}`, `NaN`} {
		if o, fault := ReadPython([]byte(in)); fault == nil {
			t.Errorf("ReadPython(%q) = %q", in, o)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`{"text":"Ada"}`:                          "Ada",
		`{"text":""}`:                             "",
		`{"text":1,"te\u0078t":"\u00e9\n\\"}`:     "é\n\\",
		`{"text":"\ud83d\ude00 \\ud83d 😀"}`:       "😀 \\ud83d 😀",
		`{"id":7,"Text":1,"text":"\uD83D\uDE00"}`: "😀",
	} {
		o, fault := Read([]byte(in))
		if fault != nil {
			t.Fatalf("%s: %+v", in, fault)
		}
		if got, fault := o.Text(); got != want || fault != nil {
			t.Errorf("text of %s is %q, %+v, want %q", in, got, fault, want)
		}
	}
	for in, want := range map[string]Fault{
		`{}`:                                {Kind: NoText},
		`{"Text":"a","inputs":"b","doc":1}`: {Kind: NoText, Like: "Text"},
		`{"text":null}`:                     {Kind: NotString, Type: "null"},
		`{"text":["a"]}`:                    {Kind: NotString, Type: "an array"},
		`{"text":"a \ud83d and"}`:           {Kind: HalfSurrogate, Escape: `\ud83d`},
		`{"text":"\ude00\ud83d"}`:           {Kind: HalfSurrogate, Escape: `\ude00`},
		`{"text":"\\\ud83d\\ude00"}`:        {Kind: HalfSurrogate, Escape: `\ud83d`},
		`{"text":"\uD83D\u0041"}`:           {Kind: HalfSurrogate, Escape: `\uD83D`},
	} {
		o, fault := Read([]byte(in))
		if fault != nil {
			t.Fatalf("%s: %+v", in, fault)
		}
		_, fault = o.Text()
		if diff := cmp.Diff(&want, fault); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// A bad item does not change the results of the other items.
func TestItems(t *testing.T) {
	type item struct {
		ID, Text string
		Fault    *Fault
	}
	o, fault := Read([]byte(`{"texts":["a" , {"id":{"n":1},"text":"b"},7,{"id":"x","txt":"c"},{"text":"d"},"\ud800",[],{"id":2,"text":3},""]}`))
	if fault != nil {
		t.Fatalf("%+v", fault)
	}
	var got []item
	for value := range Elements(o.Get("texts")) {
		id, text, fault := Item(value)
		got = append(got, item{string(id), text, fault})
	}
	want := []item{
		{Text: "a"},
		{ID: `{"n":1}`, Text: "b"},
		{Fault: &Fault{Kind: NotItem, Type: "a number"}},
		{ID: `"x"`, Fault: &Fault{Kind: NoText, Like: "txt"}},
		{Text: "d"},
		{Fault: &Fault{Kind: HalfSurrogate, Escape: `\ud800`}},
		{Fault: &Fault{Kind: NotItem, Type: "an array"}},
		{ID: "2", Fault: &Fault{Kind: NotString, Type: "a number"}},
		{Text: ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, none := range []string{"[]", "[ ]", "{}", `"[1]"`, "7", ""} {
		for v := range Elements([]byte(none)) {
			t.Errorf("%q has an element %q", none, v)
		}
	}
	for v := range Elements([]byte(`[1,2,3]`)) { // a caller may stop early
		if string(v) == "2" {
			break
		}
		if string(v) != "1" {
			t.Errorf("element %q after the break", v)
		}
	}
}

func TestAppendEnts(t *testing.T) {
	found := []ner.Entity{
		{Text: "Ada <b>", Label: "PERSON", Start: 2, End: 9, RuneStart: 1, RuneEnd: 8},
		{Text: "\"\u2028\u2029\x7f\n\\u2028", Label: "ORG", RuneStart: 10, RuneEnd: 20},
	}
	want := `[{"text":"Ada <b>","label":"PERSON","start":1,"end":8},{"text":"\"\u2028\u2029` + "\x7f" + `\n\\u2028","label":"ORG","start":10,"end":20}]`
	if got := string(AppendEnts(nil, "", found, CodePoint)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(AppendEnts([]byte("x"), "", nil, CodePoint)); got != "x[]" {
		t.Errorf("no entities are %s", got)
	}
}

// FuzzRead checks that the fields are those that encoding/json finds, and that each key and
// value is part of the input.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"id":7,"text":"Ada","meta":{}}`, `{ "a" : 1.10 , "b":[ {"c":null} ],"a":-0}`, `{}`, `[1]`, `null`, `{"a":1}x`, `{"a":1`,
		"{\"a\"\t:\r\"\\u0000\\ud800\" ,\t\"\\u0061\":2}", `"text"`, ``, `{"a":{"a":{"a":[]}}}`, `{"\\":"\\\\","\"":"\""}`, "{\"\xff\":1,\"\xfe\":true}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		o, fault := Read(in)
		var want map[string]json.RawMessage
		err := json.Unmarshal(in, &want)
		if object := err == nil && bytes.TrimLeft(in, " \t\r\n")[0] == '{'; object != (fault == nil) {
			t.Fatalf("Read(%q): %+v; encoding/json says %v", in, fault, err)
		}
		if fault != nil {
			return
		}
		got := map[string]json.RawMessage{}
		for _, f := range o {
			if _, twice := got[f.Name]; twice {
				t.Fatalf("Read(%q) has %q twice", in, f.Name)
			}
			got[f.Name] = f.Value
			if !bytes.Contains(in, f.Key) || !bytes.Contains(in, f.Value) {
				t.Fatalf("Read(%q) has the field %q", in, f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Read(%q) (-want +got):\n%s", in, diff)
		}
		for _, f := range o {
			var list []json.RawMessage
			if json.Unmarshal(f.Value, &list) != nil {
				continue
			}
			elements := slices.Collect(Elements(f.Value))
			if len(elements) != len(list) {
				t.Fatalf("%q has the elements %q", f.Value, elements)
			}
			for i, e := range elements {
				if !bytes.Equal(e, list[i]) {
					t.Fatalf("element %d of %q is %q", i, f.Value, e)
				}
			}
		}
	})
}

// FuzzStrings checks that strings are valid for this package when they are for encoding/json,
// and that they mean the same.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{
		`a`, ``, `é\n\\`, `\ud83d\ude00 \\ud83d 😀`, `\ud83d\u0041`, `\ud83d\ud83d\ude00`, `\ude00`, `\uD83`, `\u00G0`, `\uABCDabcd`, `\"\\\/\b\f\n\r\t\u00e9`,
		`\x`, `\`, "\x00", "\x1f", "\x7f", "\xff", `","`, `\","`, `"x`, `","b":[{"c":"]}"},1.5,null],"":"`, `",1:"`, `\ufffd`, `"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, inner []byte) {
		b := slices.Concat([]byte(`["`), inner, []byte(`"]`))
		if got, want := Valid(b), json.Valid(b); got != want {
			t.Fatalf("Valid(%q) = %t", b, got)
		}
		var want []any
		if json.Unmarshal(b, &want) != nil {
			return
		}
		i := 0
		for e := range Elements(b) {
			if w, ok := want[i].(string); ok && unquote(e) != w {
				t.Fatalf("unquote(%q) = %q, want %q", e, unquote(e), w)
			}
			i++
		}
	})
}

// Offsets count what the caller wants: of a text with characters of one to four bytes,
// and of one and two code units of UTF-16.
func TestUnits(t *testing.T) {
	const text = "a\u00e9\u20ac\U0001f600 Ada \U0001f600b"
	find := func(part string) ner.Entity {
		start := strings.Index(text, part)
		before := utf8.RuneCountInString(text[:start])
		return ner.Entity{Text: part, Label: "X", Start: start, End: start + len(part), RuneStart: before, RuneEnd: before + utf8.RuneCountInString(part)}
	}
	ents := []ner.Entity{find("Ada"), find("\U0001f600b")}
	for unit, want := range map[Unit]string{
		CodePoint: `[{"text":"Ada","label":"X","start":5,"end":8},{"text":"\U0001f600b","label":"X","start":9,"end":11}]`,
		UTF8:      `[{"text":"Ada","label":"X","start":11,"end":14},{"text":"\U0001f600b","label":"X","start":15,"end":20}]`,
		UTF16:     `[{"text":"Ada","label":"X","start":6,"end":9},{"text":"\U0001f600b","label":"X","start":10,"end":13}]`,
	} {
		want = strings.ReplaceAll(want, `\U0001f600`, "\U0001f600")
		if got := string(AppendEnts(nil, text, ents, unit)); got != want {
			t.Errorf("unit %d: %s, want %s", unit, got, want)
		}
	}
}

// Tokens and sentences have the units of entities.
func TestTokensAndSents(t *testing.T) {
	const text = "\U0001f600 Ada! \u00e9"
	doc := &ner.Doc{
		Tokens: []ner.Token{
			{Start: 0, End: 4, RuneStart: 0, RuneEnd: 1},
			{Start: 5, End: 8, RuneStart: 2, RuneEnd: 5},
			{Start: 8, End: 9, RuneStart: 5, RuneEnd: 6},
			{Start: 10, End: 12, RuneStart: 7, RuneEnd: 8},
		},
		Sents:     []ner.Span{{Start: 0, End: 3}, {Start: 3, End: 4}},
		Ents:      []ner.Entity{{Text: "Ada", Label: "X", Start: 5, End: 8, RuneStart: 2, RuneEnd: 5}},
		EntTokens: []ner.Span{{Start: 1, End: 2}},
	}
	for unit, want := range map[Unit][3]string{
		CodePoint: {`"start":2,"end":5`, `[{"start":0,"end":1},{"start":2,"end":5},{"start":5,"end":6},{"start":7,"end":8}]`, `[{"start":0,"end":6},{"start":7,"end":8}]`},
		UTF8:      {`"start":5,"end":8`, `[{"start":0,"end":4},{"start":5,"end":8},{"start":8,"end":9},{"start":10,"end":12}]`, `[{"start":0,"end":9},{"start":10,"end":12}]`},
		UTF16:     {`"start":3,"end":6`, `[{"start":0,"end":2},{"start":3,"end":6},{"start":6,"end":7},{"start":8,"end":9}]`, `[{"start":0,"end":7},{"start":8,"end":9}]`},
	} {
		ents := `[{"text":"Ada","label":"X",` + want[0] + `,"start_token":1,"end_token":2}]`
		if got := string(AppendEntsWithTokens(nil, text, doc.Ents, doc.EntTokens, unit)); got != ents {
			t.Errorf("unit %d: entities %s, want %s", unit, got, ents)
		}
		if got := string(AppendTokens(nil, text, doc, ner.Sents, unit)); got != want[1] {
			t.Errorf("unit %d: tokens %s, want %s", unit, got, want[1])
		}
		if got := string(AppendSpans(nil, text, doc, doc.Sents, unit)); got != want[2] {
			t.Errorf("unit %d: sentences %s, want %s", unit, got, want[2])
		}
	}
	if got := string(AppendSpans(AppendTokens(nil, "", &ner.Doc{}, ner.Tag, UTF16), "", &ner.Doc{}, nil, UTF16)); got != "[][]" {
		t.Errorf("no tokens and no sentences are %s", got)
	}
}

func TestAppendAnnotations(t *testing.T) {
	const text = "Ada ran"
	doc := &ner.Doc{
		Tokens: []ner.Token{{Start: 0, End: 3, RuneStart: 0, RuneEnd: 3}, {Start: 4, End: 7, RuneStart: 4, RuneEnd: 7}},
		Ents:   []ner.Entity{{Text: "Ada", Label: "X", Start: 0, End: 3, RuneStart: 0, RuneEnd: 3, ID: "7"}},
		Sents:  []ner.Span{{Start: 0, End: 2}},
		Annotations: []ner.Annotation{
			{Tag: "NNP", Pos: "PROPN", Morph: "Number=Sing", Lemma: "A\"da", Dep: "nsubj", Head: 1},
			{Tag: "VBD", Pos: "VERB", Lemma: "run", Dep: "ROOT", Head: 1},
		},
	}
	for want, json := range map[ner.Want]string{
		0:                   `[{"start":0,"end":3},{"start":4,"end":7}]`,
		ner.Lemma:           `[{"start":0,"end":3,"lemma":"A\"da"},{"start":4,"end":7,"lemma":"run"}]`,
		ner.Morph | ner.Dep: `[{"start":0,"end":3,"morph":"Number=Sing","dep":"nsubj","head":1},{"start":4,"end":7,"morph":"","dep":"ROOT","head":1}]`,
		ner.Tag | ner.Pos:   `[{"start":0,"end":3,"tag":"NNP","pos":"PROPN"},{"start":4,"end":7,"tag":"VBD","pos":"VERB"}]`,
		ner.Sents | ner.Tag: `[{"start":0,"end":3,"tag":"NNP"},{"start":4,"end":7,"tag":"VBD"}]`,
	} {
		if got := string(AppendTokens(nil, text, doc, want, UTF8)); got != json {
			t.Errorf("want %b: %s, want %s", want, got, json)
		}
	}
	for has, json := range map[ner.Want]string{
		0:                     `{"text":"Ada ran","ents":[{"start":0,"end":3,"label":"X"}],"tokens":[{"id":0,"start":0,"end":3},{"id":1,"start":4,"end":7}]}`,
		ner.Sents | ner.Lemma: `{"text":"Ada ran","ents":[{"start":0,"end":3,"label":"X"}],"sents":[{"start":0,"end":7}],"tokens":[{"id":0,"start":0,"end":3,"lemma":"A\"da"},{"id":1,"start":4,"end":7,"lemma":"run"}]}`,
	} {
		doc.Has = has
		if got := string(AppendDoc(nil, text, doc)); got != json {
			t.Errorf("has %b: %s, want %s", has, got, json)
		}
	}
}

// FuzzAppendEnts checks that encoding/json without SetEscapeHTML writes the same strings.
func FuzzAppendEnts(f *testing.F) {
	for _, s := range []string{"Ada", "\u2028", "<&>\"\\\x00\b\f\n\r\t\x1f\x7f", "😀\u2029"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(appendOneLine(nil, s)); got+"\n" != want.String() {
			t.Errorf("%q is written as %s, want %s", s, got, want.String())
		}
	})
}

// An entity that a rule has found may have an id.
func TestAppendEntsWithID(t *testing.T) {
	ents := []ner.Entity{{Text: "Ada", Label: "X", End: 3, RuneEnd: 3, ID: "a\"b"}}
	const want = `[{"text":"Ada","label":"X","start":0,"end":3,"ent_id":"a\"b"}]`
	if got := string(AppendEnts(nil, "Ada", ents, CodePoint)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
