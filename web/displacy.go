package web

import (
	"bytes"
	"strings"

	"github.com/narwhal-server/narwhal/ner"
)

// colors are the backgrounds that displaCy gives to labels. Other labels get otherColor.
var colors = map[string]string{
	"PERSON": "#aa9cfc", "NORP": "#c887fb", "FAC": "#9cc9cc", "ORG": "#7aecec", "GPE": "#feca74", "LOC": "#ff9561",
	"PRODUCT": "#bfeeb7", "EVENT": "#ffeb80", "WORK_OF_ART": "#f0d0ff", "LAW": "#ff8197", "LANGUAGE": "#ff8197",
	"DATE": "#bfe1d9", "TIME": "#bfe1d9", "PERCENT": "#e4e7d2", "MONEY": "#e4e7d2", "QUANTITY": "#e4e7d2",
	"ORDINAL": "#e4e7d2", "CARDINAL": "#e4e7d2",
}

const otherColor = "#ddd"

// appendMarkup appends a text with its entities as HTML. The markup has the bytes that
// spaCy's displacy.render(doc, style="ent", page=False) returns, with
// options={"ents": labels} if labels is not nil, and with one exception: labels are
// escaped, too. displaCy inserts the label of a trained pipeline as it is, so it could be
// markup.
func appendMarkup(b []byte, text string, found []ner.Entity, labels map[string]bool) []byte {
	b = append(b, `<div class="entities" style="line-height: 2.5; direction: ltr">`...)
	at := 0
	for _, e := range found {
		b = appendLines(b, text[at:e.Start])
		at = e.End
		if labels != nil && !labels[e.Label] {
			b = appendEscapedHTML(b, e.Text)
			continue
		}
		color, ok := colors[strings.ToUpper(e.Label)]
		if !ok {
			color = otherColor
		}
		b = append(b, "\n<mark class=\"entity\" style=\"background: "+color+"; padding: 0.45em 0.6em; margin: 0 0.25em; line-height: 1; border-radius: 0.35em;\">\n    "...)
		b = appendEscapedHTML(b, e.Text)
		b = append(b, "\n    <span style=\"font-size: 0.8em; font-weight: bold; line-height: 1; border-radius: 0.35em; vertical-align: middle; margin-left: 0.5rem\">"...)
		b = appendEscapedHTML(b, e.Label)
		b = append(b, "</span>\n</mark>\n"...)
	}
	b = appendLines(b, text[at:])
	return append(b, "</div>"...)
}

// appendFault appends why a text of several has no entities. displaCy has no such markup.
func appendFault(b []byte, f *failure) []byte {
	b = append(b, `<p class="error">`...)
	b = appendEscapedHTML(b, f.message)
	return append(b, "</p>"...)
}

// appendLines appends a part of a text, with <br> for each end of a line.
func appendLines(b []byte, s string) []byte {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b = append(b, "<br>"...)
		}
		b = appendEscapedHTML(b, line)
	}
	return b
}

// markupEscapes escapes what displaCy escapes.
var markupEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func appendEscapedHTML(b []byte, s string) []byte {
	w := bytes.NewBuffer(b)
	_, _ = markupEscapes.WriteString(w, s) // a bytes.Buffer does not fail
	return w.Bytes()
}

// html makes markup the body of the response. It holds somebody's text, so the policy
// allows nothing but the inline styles.
func (r *request) html(markup []byte) {
	h := &r.Response.Header
	h.SetContentType("text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	r.Response.SetBodyRaw(markup)
}
