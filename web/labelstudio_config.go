package web

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// labelConfig is what a labeling configuration of Label Studio says about the labels of a
// text:
//
//	<View>
//	  <Labels name="label" toName="text">
//	    <Label value="PERSON"/>
//	    <Label value="Place" predicted_values="GPE, LOC"/>
//	  </Labels>
//	  <Text name="text" value="$text"/>
//	</View>
type labelConfig struct {
	from   string            // the name of the Labels tag
	to     string            // the name of the Text tag
	value  string            // the key of the text in the data of a task
	labels map[string]string // the project's label for a label of the model in lower case; nil: the labels come with the tasks
}

const hintLabelConfig = `want <Labels name="label" toName="text"> and <Text name="text" value="$text"/>`

// labelsTag is a Labels tag.
type labelsTag struct {
	name    string
	to      []string
	labels  []labelTag
	dynamic bool // the labels come with the tasks
}

// labelTag is a Label tag.
type labelTag struct {
	label     string // as annotations have it: its alias, or else its value
	value     string
	predicted []string // the labels of models that mean the same, in lower case
}

// readLabelConfig reads the first Labels tag that belongs to a Text tag.
func readLabelConfig(config string) (*labelConfig, error) {
	var controls []*labelsTag
	texts := map[string]xml.StartElement{}
	var open *labelsTag // the Labels tag that the decoder is in
	depth := 0          // how many tags are open in it

	d := xml.NewDecoder(strings.NewReader(config))
	d.Strict = false // as browsers and lxml: <br>, &nbsp;
	d.AutoClose, d.Entity = xml.HTMLAutoClose, xml.HTMLEntity
	// The configuration is a string of JSON, whatever encoding it declares.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case open != nil:
				depth++
				if strings.EqualFold(t.Name.Local, "Label") {
					open.labels = append(open.labels, labelOf(t))
				}
			case strings.EqualFold(t.Name.Local, "Labels"):
				open = &labelsTag{name: attribute(t, "name"), dynamic: strings.HasPrefix(attribute(t, "value"), "$")}
				for name := range strings.SplitSeq(attribute(t, "toName"), ",") {
					open.to = append(open.to, strings.TrimSpace(name))
				}
				controls = append(controls, open)
				depth = 0
			case strings.EqualFold(t.Name.Local, "Text"):
				texts[attribute(t, "name")] = t
			}
		case xml.EndElement:
			if depth == 0 {
				open = nil
			}
			depth--
		}
	}
	for _, c := range controls {
		for _, to := range c.to {
			if text, ok := texts[to]; ok {
				return c.belongsTo(to, text)
			}
		}
	}
	return nil, errors.New("it has no Labels tag that belongs to a Text tag")
}

// belongsTo returns what a Labels tag and its Text tag say.
func (c *labelsTag) belongsTo(name string, text xml.StartElement) (*labelConfig, error) {
	value, ok := strings.CutPrefix(attribute(text, "value"), "$")
	switch {
	case c.name == "":
		return nil, errors.New("its Labels tag has no name")
	case !ok || value == "":
		return nil, fmt.Errorf("the value of its Text tag is %.64q, want the key of the text in the data, such as $text", attribute(text, "value"))
	case attribute(text, "valueType") == "url":
		return nil, errors.New("the value of its Text tag is the address of a text, and this service does not fetch texts")
	}
	config := &labelConfig{from: c.name, to: name, value: value}
	if c.dynamic && len(c.labels) == 0 {
		return config, nil
	}
	config.labels = map[string]string{}
	add := func(model, project string) {
		if _, ok := config.labels[model]; !ok && project != "" {
			config.labels[model] = project
		}
	}
	for _, l := range c.labels {
		for _, p := range l.predicted {
			add(p, l.label)
		}
	}
	for _, l := range c.labels { // predicted_values come before names that are equal by chance
		add(strings.ToLower(l.value), l.label)
		add(strings.ToLower(l.label), l.label)
	}
	return config, nil
}

// label returns the project's label for a label of the model. ok is false if the project
// has none: Label Studio refuses predictions with labels that it does not know.
func (c *labelConfig) label(label string) (_ string, ok bool) {
	if c.labels == nil {
		return label, true
	}
	mine, ok := c.labels[strings.ToLower(label)]
	return mine, ok
}

// labelOf reads a Label tag.
func labelOf(t xml.StartElement) labelTag {
	l := labelTag{label: attribute(t, "alias"), value: attribute(t, "value")}
	if l.label == "" {
		l.label = l.value
	}
	for p := range strings.SplitSeq(attribute(t, "predicted_values"), ",") {
		if p = strings.ToLower(strings.TrimSpace(p)); p != "" {
			l.predicted = append(l.predicted, p)
		}
	}
	return l
}

// attribute returns the value of an attribute, "" if there is none.
func attribute(t xml.StartElement, name string) string {
	i := slices.IndexFunc(t.Attr, func(a xml.Attr) bool { return a.Name.Local == name })
	if i < 0 {
		return ""
	}
	return t.Attr[i].Value
}
