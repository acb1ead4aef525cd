package tokenizer

import (
	"strings"
	"unicode"
)

// baseNorms has the normal forms that spaCy has for every language
// (spacy/lang/norm_exceptions.py). Each line has a normal form, and then the strings with
// this normal form.
const baseNorms = `
	's   's 'S ’s ’S
	'    ’ ‘ ´ ` + "`" + `
	"    ” “ '' ` + "``" + ` ´´ „ » « ‘‘ ’’
	?    ？
	!    ！
	,    ，
	;    ；
	:    ：
	.    。 ।
	...  …
	-    — – -- --- ——
	$    € £ ¥ ฿ US$ C$ A$ ₺ ₹ ৳ ₩ Mex$ ₣ E£`

// baseNormTable maps a string of baseNorms to its normal form.
func baseNormTable() map[string]string {
	norms := make(map[string]string)
	for line := range strings.Lines(baseNorms) {
		words := strings.Fields(line)
		for i := 1; i < len(words); i++ {
			norms[words[i]] = words[0]
		}
	}
	return norms
}

// baseNormIDs maps the id of a string of baseNorms to the id of its normal form.
func baseNormIDs() map[uint64]uint64 {
	ids := make(map[uint64]uint64)
	for text, norm := range baseNormTable() {
		ids[stringID(text)] = stringID(norm)
	}
	return ids
}

// digitsNotDecimal has the code points for which Python's str.isdigit is true although
// they are not decimal numbers (Nd), such as superscripts and circled digits. These 128
// code points are the same in Unicode 14 to 15.1.
var digitsNotDecimal = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00b2, Hi: 0x00b3, Stride: 1},
		{Lo: 0x00b9, Hi: 0x00b9, Stride: 1},
		{Lo: 0x1369, Hi: 0x1371, Stride: 1},
		{Lo: 0x19da, Hi: 0x19da, Stride: 1},
		{Lo: 0x2070, Hi: 0x2070, Stride: 1},
		{Lo: 0x2074, Hi: 0x2079, Stride: 1},
		{Lo: 0x2080, Hi: 0x2089, Stride: 1},
		{Lo: 0x2460, Hi: 0x2468, Stride: 1},
		{Lo: 0x2474, Hi: 0x247c, Stride: 1},
		{Lo: 0x2488, Hi: 0x2490, Stride: 1},
		{Lo: 0x24ea, Hi: 0x24ea, Stride: 1},
		{Lo: 0x24f5, Hi: 0x24fd, Stride: 1},
		{Lo: 0x24ff, Hi: 0x24ff, Stride: 1},
		{Lo: 0x2776, Hi: 0x277e, Stride: 1},
		{Lo: 0x2780, Hi: 0x2788, Stride: 1},
		{Lo: 0x278a, Hi: 0x2792, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10a40, Hi: 0x10a43, Stride: 1},
		{Lo: 0x10e60, Hi: 0x10e68, Stride: 1},
		{Lo: 0x11052, Hi: 0x1105a, Stride: 1},
		{Lo: 0x1f100, Hi: 0x1f10a, Stride: 1},
	},
	LatinOffset: 2,
}

// isDigit reports whether Python's str.isdigit is true for r.
func isDigit(r rune) bool {
	return unicode.IsDigit(r) || unicode.Is(digitsNotDecimal, r)
}

// isSpace reports whether Python's str.isspace is true for r. Unlike for unicode.IsSpace,
// the four separators U+001C to U+001F are white space.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

// isWord reports whether \w of Python's re matches r.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_'
}
