package matcher

import (
	"fmt"
	"slices"
	"strings"
)

// attr is an attribute of a token.
type attr uint8

const (
	attrNone attr = iota // it is 0 for every token: spaCy's NULL_ATTR
	attrOrth
	attrLower
	attrNorm
	attrShape
	attrPrefix
	attrSuffix
	attrEntType
	attrEntID
	attrTag // these five are annotations of other components
	attrPos
	attrMorph
	attrLemma
	attrDep
	attrLength
	attrSpacy
	attrEntIOB
	attrSentStart
	firstFlag // from here on: the attributes of lexFlags

	numAttrs = firstFlag + attr(len(lexFlags))
)

// attrNames has the attributes in the order of their numbers, without those of lexFlags.
var attrNames = [firstFlag]string{"", "ORTH", "LOWER", "NORM", "SHAPE", "PREFIX", "SUFFIX", "ENT_TYPE", "ENT_ID", "TAG", "POS", "MORPH", "LEMMA", "DEP", "LENGTH", "SPACY", "ENT_IOB", "SENT_START"}

func (a attr) String() string {
	if a < firstFlag {
		return attrNames[a]
	}
	return lexFlags[a-firstFlag].name
}

// isString reports whether the values of the attribute are the ids of strings.
func (a attr) isString() bool { return attrOrth <= a && a <= attrDep }

// annotation reports whether the attribute is a field of ner.Annotation.
func (a attr) annotation() bool { return attrTag <= a && a <= attrDep }

// lexical reports whether the attribute depends only on the tokens and their annotations: not
// on entities or sentences.
func (a attr) lexical() bool {
	return a != attrEntType && a != attrEntID && a != attrEntIOB && a != attrSentStart
}

// numbers has the numbers that spaCy has for the attributes. A setting may have the number
// instead of the name.
var numbers = map[string]attr{
	"65": attrOrth, "66": attrLower, "67": attrNorm, "68": attrShape, "69": attrPrefix, "70": attrSuffix, "71": attrLength,
	"73": attrLemma, "74": attrPos, "75": attrTag, "76": attrDep, "453": attrMorph, "80": attrSentStart,
	"81": attrSpacy, "78": attrEntType, "77": attrEntIOB, "454": attrEntID,
	"1": flag("IS_ALPHA"), "2": flag("IS_ASCII"), "3": flag("IS_DIGIT"), "4": flag("IS_LOWER"), "5": flag("IS_PUNCT"),
	"6": flag("IS_SPACE"), "7": flag("IS_TITLE"), "8": flag("IS_UPPER"), "9": flag("LIKE_URL"), "10": flag("LIKE_NUM"),
	"11": flag("LIKE_EMAIL"), "14": flag("IS_BRACKET"), "15": flag("IS_QUOTE"),
	"16": flag("IS_LEFT_PUNCT"), "17": flag("IS_RIGHT_PUNCT"), "18": flag("IS_CURRENCY"),
}

// sentStartAlias is another name of SENT_START. spaCy does not know it where an attribute has an
// operator.
const sentStartAlias = "IS_SENT_START"

// others has the components that set the attributes that this package does not know.
var others = map[string]string{"HEAD": "a parser", "ENT_KB_ID": "an entity_linker"}

// parseAttr returns the attribute with a name in any case, as a pattern has it.
func parseAttr(name string) (attr, error) {
	upper := strings.ToUpper(name)
	switch upper {
	case "TEXT":
		return attrOrth, nil
	case sentStartAlias:
		return attrSentStart, nil
	}
	if a := slices.Index(attrNames[:], upper); a >= 0 {
		return attr(a), nil
	}
	for i, f := range lexFlags {
		if f.name == upper {
			return firstFlag + attr(i), nil
		}
	}
	switch who := others[upper]; {
	case who != "":
		return 0, fmt.Errorf("the attribute %s is not implemented: %s sets it", name, who)
	case upper == "IS_STOP":
		return 0, fmt.Errorf("the attribute %s is not implemented: the stop words are in spaCy's program, and not in the pipeline; give them as {\"LOWER\": {\"IN\": [\"the\", …]}}", name)
	case name == "_":
		return 0, fmt.Errorf("the attribute _ is not implemented: Python code sets the extensions of a token")
	}
	return 0, fmt.Errorf("the attribute %q is unknown", name)
}

// attr returns the attribute with a name in any case, if patterns of this language may have
// it.
func (l *Language) attr(name string) (attr, error) {
	a, err := parseAttr(name)
	switch {
	case err != nil:
	case l.OnlyAnnotations && !a.lexical():
		err = fmt.Errorf("the attribute %s is not implemented in a component that sets annotations", name)
	default:
		err = l.has(a)
	}
	return a, err
}
