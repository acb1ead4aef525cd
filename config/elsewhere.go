package config

import (
	"slices"
	"strings"
)

// Other is a setting of Gunicorn or Uvicorn that has another name here, or no
// counterpart. Settings with the same name are in [Table].
type Other struct {
	Gunicorn []string // its flags, without dashes in front
	Keys     []string // keys of Gunicorn's file that are not the name of a flag
	Uvicorn  []string // its flags, without dashes in front
	Does     string   // what it does there: "this setting, which …"; "" if Ours says it
	Ours     string   // our setting's name, "" if there is none
	Instead  string   // what to do instead, or what differs
}

// elsewhere returns what to do in place of a setting of Gunicorn or Uvicorn, or "" if
// neither has a setting of that name. show returns a setting of narwhal in the form that
// the user has to write.
func elsewhere(name string, show func(Setting) string) string {
	name = strings.ReplaceAll(name, "_", "-")
	o, ok := findOther(name)
	if !ok {
		return ""
	}
	if o.Ours == "" {
		return "narwhal does not have this setting of " + o.whose(name) + ", which " + o.Does + ": " + o.Instead
	}
	s, _ := Lookup(o.Ours)
	text := "this setting of " + o.whose(name) + " is called " + show(s) + " here"
	if o.Instead != "" {
		text += ": " + o.Instead
	}
	return text
}

// OtherHint returns what to do in place of a setting of Gunicorn or Uvicorn, or "" if
// neither has a setting of that name. name may have dashes in front, or underscores.
func OtherHint(name string) string {
	return elsewhere(strings.TrimLeft(name, "-"), Setting.Flag)
}

func findOther(name string) (Other, bool) {
	for _, o := range Others() {
		if o.ofGunicorn(name) || slices.Contains(o.Uvicorn, name) {
			return o, true
		}
	}
	return Other{}, false
}

// forUvicorns returns the setting of narwhal that a flag of Uvicorn has here, under the
// same name or another one.
func forUvicorns(flag string) (Setting, bool) {
	if o, ok := findOther(flag); ok && slices.Contains(o.Uvicorn, flag) {
		return Lookup(o.Ours)
	}
	s, ok := Lookup(flag)
	return s, ok && slices.Contains(strings.Split(s.Uvicorn, ", "), "--"+flag)
}

// whose returns which of the two servers has a setting of that name.
func (o Other) whose(name string) string {
	switch {
	case !slices.Contains(o.Uvicorn, name):
		return "Gunicorn"
	case !o.ofGunicorn(name):
		return "Uvicorn"
	}
	return "Gunicorn and Uvicorn"
}

// ofGunicorn reports whether a flag or a key of Gunicorn is called name. name has dashes,
// as flags do.
func (o Other) ofGunicorn(name string) bool {
	return slices.Contains(o.Gunicorn, name) || slices.Contains(o.Keys, strings.ReplaceAll(name, "-", "_"))
}

func names(list string) []string { return strings.Fields(list) }
