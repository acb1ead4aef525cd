package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

func TestLabelConfig(t *testing.T) {
	const text = `<Text name="text" value="$text"/>`
	for name, c := range map[string]struct {
		config string
		want   labelConfig
	}{
		"plain": {`<View><Labels name="l" toName="text"><Label value="PERSON"/><Label value="Org"/></Labels>` + text + `</View>`,
			labelConfig{"l", "text", "text", map[string]string{"person": "PERSON", "org": "Org"}}},
		"the text comes first": {`<View>` + text + `<Labels name="l" toName="text"></Labels></View>`,
			labelConfig{"l", "text", "text", map[string]string{}}},
		"other tags around": {`<?xml version="1.0" encoding="latin1"?><!-- a --><View><Style>.a > .b {}</Style><Header value="Tom &amp; J&eacute;r&ocirc;me &nbsp;"/><br>
			<Choices name="c" toName="text"><Choice value="PERSON"/></Choices>
			<View><Labels name="l" toName="other,text" showInline="true"><View><Label value="GPE"/></View><Label value="LOC"></Label></Labels></View><Label value="ORG"/>` + text + `</View>`,
			labelConfig{"l", "text", "text", map[string]string{"gpe": "GPE", "loc": "LOC"}}},
		"the first that belongs to a text": {`<View><Labels name="i" toName="image"><Label value="A"/></Labels><Image name="image" value="$image"/>
			<Labels name="l" toName="text"><Label value="B"/></Labels><Labels name="m" toName="text"><Label value="C"/></Labels>` + text + `</View>`,
			labelConfig{"l", "text", "text", map[string]string{"b": "B"}}},
		"predicted_values, alias": {`<View><Labels name="l" toName="text"><Label value="PERSON" predicted_values="GPE"/><Label value="Date" alias="when"/><Label value="Place" alias="place" predicted_values=" loc, FAC ,,GPE"/><Label value="fac"/></Labels>` + text + `</View>`,
			labelConfig{"l", "text", "text", map[string]string{"gpe": "PERSON", "loc": "place", "fac": "place", "person": "PERSON", "place": "place", "date": "when", "when": "when"}}},
		"labels of the tasks": {`<View><Labels name="l" toName="text" value="$labels"/>` + text + `</View>`, labelConfig{"l", "text", "text", nil}},
		"in capitals":         {`<view><labels name="l" toName="text"><label value="A"/></labels><TEXT name="text" value="$t"/></view>`, labelConfig{"l", "text", "t", map[string]string{"a": "A"}}},
	} {
		got, err := readLabelConfig(c.config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, got, cmp.AllowUnexported(labelConfig{})); diff != "" {
			t.Errorf("%s, want - got +\n%s", name, diff)
		}
	}
	for config, want := range map[string]string{
		``:        "no Labels tag",
		`hello`:   "no Labels tag",
		`<View/>`: "no Labels tag",
		`<View><Labels name="l" toName="text"/></View>`:                                                 "no Labels tag",
		`<View>` + text + `</View>`:                                                                     "no Labels tag",
		`<View><Labels name="l" toName="h"/><HyperText name="h" value="$h"/></View>`:                    "no Labels tag",
		`<View><Labels toName="text"/>` + text + `</View>`:                                              "has no name",
		`<View><Labels name="l" toName="text"/><Text name="text" value="Hello"/></View>`:                "the value of its Text tag",
		`<View><Labels name="l" toName="text"/><Text name="text" value="$"/></View>`:                    "the value of its Text tag",
		`<View><Labels name="l" toName="text"/><Text name="text" value="$url" valueType="url"/></View>`: "does not fetch",
		`<View><Labels name="l" toName="text"/><Text name="text" value="$text"/`:                        "not XML",
	} {
		if got, err := readLabelConfig(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want an error with %q", config, got, err, want)
		}
	}
}

// Label Studio sends all tasks of a project at once.
func TestManyTasks(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	body := examplePredict
	one := `{"data":{"text":"Angela Merkel was born in Hamburg."}}`
	body = strings.Replace(body, one, one+strings.Repeat(","+one, 2*mostTexts), 1)
	answer := s.dial(t).want(200, fmt.Sprintf("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if got := strings.Count(answer, `{"model_version":`); got != 2*mostTexts+1 {
		t.Errorf("%d predictions, want %d", got, 2*mostTexts+1)
	}
}

func TestLabelStudioHealthIsExempt(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2, LimitConcurrency: 1}}, Options{Recognizer: b, ModelID: "m-1", KeepAlive: time.Minute})
	c := s.dial(t)
	c.send(post("first"))
	<-b.asked
	s.dial(t).want(200, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	b.free <- struct{}{}
	c.wantAnswer(200)
}

// Whatever a labeling configuration is, it is read or refused.
func FuzzLabelConfig(f *testing.F) {
	for _, s := range []string{"", "<", `<View><Labels name="l" toName="t"><Label value="A" predicted_values="B,C"/></Labels><Text name="t" value="$x"/></View>`, "</Labels>", "<Labels><Labels></a></Labels>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, config string) {
		c, err := readLabelConfig(config)
		if (c == nil) == (err == nil) || c != nil && (c.from == "" || c.value == "") {
			t.Fatalf("%q is %+v, %v", config, c, err)
		}
	})
}
