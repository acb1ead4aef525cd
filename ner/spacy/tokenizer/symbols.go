package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
)

// symbolNames has the strings whose id is a small number instead of a hash, in the order
// of their ids from 1 (spacy/symbols.pxd, the same in spaCy 3.6 to 3.8). "FLAG19..63"
// means FLAG19, FLAG20 … FLAG63.
const symbolNames = `
	IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_PUNCT IS_SPACE IS_TITLE IS_UPPER
	LIKE_URL LIKE_NUM LIKE_EMAIL IS_STOP IS_OOV_DEPRECATED IS_BRACKET IS_QUOTE
	IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY FLAG19..63

	ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP
	ENT_IOB ENT_TYPE HEAD SENT_START SPACY PROB LANG
	ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ
	SYM VERB X EOL SPACE DEPRECATED001..276

	PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW
	DATE TIME PERCENT MONEY QUANTITY ORDINAL CARDINAL
	acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj
	cop csubj csubjpass dep det dobj expl hmod hyph infmod intj iobj mark meta
	neg nmod nn npadvmod nsubj nsubjpass num number oprd obj obl parataxis
	partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl
	rcmod root xcomp acl ENT_KB_ID MORPH ENT_ID IDX _`

// symbolSlots is a power of two, and several times the number of symbols. So a search for
// a string that is no symbol nearly always ends at its first slot.
const symbolSlots = 2048

// symbolTable is a hash table of the symbols, with linear probing.
type symbolTable struct {
	slots  [symbolSlots]uint16 // ids; 0: the slot is free
	names  []string            // by id
	hashes []uint64            // by id
}

// symbols is never changed.
var symbols = newSymbolTable()

// find returns the id of the symbol whose hash is h, or 0.
func (t *symbolTable) find(h uint64) uint64 {
	for i := h % symbolSlots; t.slots[i] != 0; i = (i + 1) % symbolSlots {
		if id := t.slots[i]; t.hashes[id] == h {
			return uint64(id)
		}
	}
	return 0
}

func (t *symbolTable) add(name string) {
	h := murmur64A(name)
	i := h % symbolSlots
	for t.slots[i] != 0 {
		i = (i + 1) % symbolSlots
	}
	t.slots[i] = uint16(len(t.names))
	t.names = append(t.names, name)
	t.hashes = append(t.hashes, h)
}

func newSymbolTable() *symbolTable {
	t := &symbolTable{names: []string{""}, hashes: []uint64{0}} // id 0 is the empty string
	for name := range strings.FieldsSeq(symbolNames) {
		first, last, isRange := strings.Cut(name, "..")
		if !isRange {
			t.add(name)
			continue
		}
		stem := first[:len(first)-len(last)]
		n, _ := strconv.Atoi(first[len(stem):])
		for to, _ := strconv.Atoi(last); n <= to; n++ {
			t.add(fmt.Sprintf("%s%0*d", stem, len(last), n))
		}
	}
	return t
}
