package matcher

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// validateSpec returns an error for a pattern that spaCy refuses if a ruler has the setting
// validate: the attributes and values of its schema of token patterns.
func validateSpec(o object) error {
	seen := map[string]bool{}
	for _, x := range o {
		// spaCy's schema knows the names in upper and in lower case.
		name := strings.ToUpper(x.key)
		if x.key != name && x.key != strings.ToLower(x.key) {
			return refused(x, "unknown name")
		}
		if seen[name] {
			return refused(x, "the name is there twice")
		}
		seen[name] = true
		switch a, err := parseAttr(name); {
		case name == "OP":
			if op, ok := x.value.(string); !ok || op == "1" || strings.Contains(op, " ") {
				return refused(x, "unknown operator")
			}
		case err != nil: // Add says why
		case a == attrNone || a == attrPrefix || a == attrSuffix:
			return refused(x, "unknown name")
		case a == attrEntIOB:
			if !isIOB(x.value) {
				return refused(x, `want "", "I", "O", "B", or 0 to 3`)
			}
		case a == attrLength:
			if !validNumber(x.value) {
				return refused(x, "want a number, or operators with numbers")
			}
		case a.isString():
			if !validString(x.value) {
				return refused(x, "want a string, or operators with strings")
			}
		default:
			if _, ok := x.value.(bool); !ok {
				return refused(x, "want true or false")
			}
		}
	}
	return nil
}

func refused(x member, why string) error {
	return fmt.Errorf("%s is %s, which spaCy refuses because of validate = true: %s", x.key, show(x.value), why)
}

func isIOB(v any) bool {
	switch v := v.(type) {
	case string:
		return v == "" || v == "I" || v == "O" || v == "B"
	case json.Number:
		return v == "0" || v == "1" || v == "2" || v == "3"
	}
	return false
}

// validString reports whether v is a string, or has operators with strings.
func validString(v any) bool {
	if _, ok := v.(string); ok {
		return true
	}
	o, ok := v.(object)
	return ok && all(o, func(op string, v any) bool {
		if list, ok := v.([]any); ok {
			return slices.Contains(sets, op) && eachOf(list, func(x any) bool { _, ok := x.(string); return ok })
		}
		_, isFuzzy := fuzzyEdits(op)
		return (op == "REGEX" || isFuzzy) && validString(v)
	})
}

// validNumber reports whether v is a number, or has operators with numbers.
func validNumber(v any) bool {
	if _, ok := v.(json.Number); ok {
		return true
	}
	o, ok := v.(object)
	return ok && all(o, func(op string, v any) bool {
		switch v := v.(type) {
		case []any:
			return slices.Contains(sets, op) && eachOf(v, func(x any) bool { n, ok := x.(json.Number); return ok && isInteger(n) })
		case json.Number:
			return strings.ContainsAny(op, "=<>")
		}
		return false
	})
}

func all(o object, ok func(op string, v any) bool) bool {
	for _, x := range o {
		op := strings.ToUpper(x.key)
		if x.key != op && x.key != strings.ToLower(x.key) || !ok(op, x.value) {
			return false
		}
	}
	return true
}

func eachOf(list []any, ok func(any) bool) bool {
	for _, x := range list {
		if !ok(x) {
			return false
		}
	}
	return true
}
