package web

import "github.com/narwhal-server/narwhal/ner"

// appendEntities appends an object from the text of each entity to its label,
// in the order in which the texts first appear. A text that appears again
// keeps its place and gets its last label, as in Python's
//
//	{ent.text: ent.label_ for ent in doc.ents}
func appendEntities(b []byte, entities []ner.Entity) []byte {
	type pair struct{ text, label string }
	pairs := make([]pair, 0, len(entities))
	place := make(map[string]int, len(entities))
	for _, e := range entities {
		if i, ok := place[e.Text]; ok {
			pairs[i].label = e.Label
			continue
		}
		place[e.Text] = len(pairs)
		pairs = append(pairs, pair{e.Text, e.Label})
	}
	b = append(b, '{')
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, p.text)
		b = append(b, ':')
		b = appendString(b, p.label)
	}
	return append(b, '}')
}

// appendString appends s as JSON in the bytes of Python's
// json.dumps(s, ensure_ascii=False), which is what Starlette's JSONResponse
// sends: it escapes less than encoding/json, and DEL and U+2028 not at all.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
