package web

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

func TestNameAndVersion(t *testing.T) {
	for id, want := range map[string][2]string{
		"en_core_web_sm-3.8.0": {"en_core_web_sm", "3.8.0"},
		"en_my-ner-1.0-rc1":    {"en_my-ner", "1.0-rc1"},
		"prose":                {"prose", "0"},
		"":                     {"", "0"},
		"-":                    {"-", "0"},
	} {
		if name, version := nameAndVersion(id); name != want[0] || version != want[1] {
			t.Errorf("%q is %q, %q", id, name, version)
		}
	}
}

// inferBinary returns a request with texts in binary form.
func inferBinary(texts []string, more string) string {
	elements := make([][]byte, len(texts))
	for i, text := range texts {
		elements[i] = []byte(text)
	}
	tensor := appendBytesTensor(nil, elements)
	head := fmt.Sprintf(`{"inputs":[{"name":"text","shape":[%d],"datatype":"BYTES","parameters":{"binary_data_size":%d}}]%s}`, len(texts), len(tensor), more)
	return fmt.Sprintf("POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: %d\r\nContent-Length: %d\r\n\r\n%s%s", len(head), len(head)+len(tensor), head, tensor)
}

// The output in binary form has the elements that the output in JSON has.
func TestBinaryOutput(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ModelID: "m-1"})
	texts := []string{"Ada went.", "\xff", "", "😀 Ada"}
	var plain struct{ Outputs []struct{ Data []string } }
	_, body, _ := strings.Cut(s.dial(t).want(200, inferBinary(texts, "")), "\n\n")
	if err := json.Unmarshal([]byte(body), &plain); err != nil || len(plain.Outputs) != 1 || len(plain.Outputs[0].Data) != len(texts) {
		t.Fatalf("in JSON: %s, %v", body, err)
	}
	for _, how := range []string{
		`,"parameters":{"binary_data_output":true}`,
		`,"outputs":[{"name":"entities","parameters":{"binary_data":true}}]`,
		`,"outputs":[{"name":"entities"}],"parameters":{"binary_data_output":true}`,
	} {
		c := s.dial(t)
		c.send(inferBinary(texts, how))
		answer, r := c.answer("POST")
		_, body, _ := strings.Cut(answer, "\n\n")
		var n int
		if _, err := fmt.Sscan(r.Header.Get(headerLength), &n); err != nil || r.Header.Get("Content-Type") != "application/octet-stream" {
			t.Fatalf("%s: header %v", how, r.Header)
		}
		var head struct {
			Outputs []struct {
				Shape      []int
				Parameters struct {
					Size int `json:"binary_data_size"`
				}
			}
		}
		tensor := []byte(strings.TrimSuffix(body[n:], "\n"))
		if err := json.Unmarshal([]byte(body[:n]), &head); err != nil || len(head.Outputs) != 1 || head.Outputs[0].Parameters.Size != len(tensor) {
			t.Fatalf("%s: the JSON is %s, %v, and %d bytes follow", how, body[:n], err, len(tensor))
		}
		var got []string
		for len(tensor) > 0 {
			end := 4 + binary.LittleEndian.Uint32(tensor)
			got = append(got, string(tensor[4:end]))
			tensor = tensor[end:]
		}
		if diff := cmp.Diff(plain.Outputs[0].Data, got); diff != "" {
			t.Errorf("%s: elements of JSON - of the tensor +\n%s", how, diff)
		}
	}
}

func TestMostElements(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ModelID: "m-1"})
	s.dial(t).want(200, inferBinary(make([]string, mostTexts), ""))
	if answer := s.dial(t).want(400, inferBinary(make([]string, mostTexts+1), "")); !strings.Contains(answer, "at most 256") {
		t.Errorf("of one text more: %s", answer)
	}
}

// The statistics count texts, requests and errors.
func TestInferStats(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ModelID: "m-1"})
	before := time.Now().UnixMilli()
	s.dial(t).want(200, inferBinary([]string{"a", "b", "c"}, ""))
	s.dial(t).want(200, inferBinary([]string{"d"}, ""))
	s.dial(t).want(400, inferBinary([]string{"e"}, `,"id":1`))
	type count struct{ Count, NS int64 }
	var got struct {
		Stats []struct {
			Name, Version string
			Last          int64                         `json:"last_inference"`
			Texts         int                           `json:"inference_count"`
			Requests      int                           `json:"execution_count"`
			Stats         struct{ Success, Fail count } `json:"inference_stats"`
		} `json:"model_stats"`
	}
	for _, path := range []string{"/v2/models/stats", "/v2/models/m/stats", "/v2/models/m/versions/1/stats"} {
		_, body, _ := strings.Cut(s.dial(t).want(200, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"), "\n\n")
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Stats) != 1 {
			t.Fatalf("%s: %s, %v", path, body, err)
		}
		m := got.Stats[0]
		if m.Name != "m" || m.Version != "1" || m.Texts != 4 || m.Requests != 2 || m.Stats.Success.Count != 2 || m.Stats.Fail.Count != 1 ||
			m.Stats.Success.NS <= 0 || m.Stats.Fail.NS <= 0 || m.Last < before || m.Last > time.Now().UnixMilli() {
			t.Errorf("%s: %s", path, body)
		}
	}
	s.dial(t).want(404, "GET /v2/models/x/stats HTTP/1.1\r\nHost: x\r\n\r\n")
}

// The health routes of the drop-in APIs are exempt from the limit on requests.
func TestDropInHealthIsExempt(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2, LimitConcurrency: 1}}, Options{Recognizer: b, ModelID: "m-1", KeepAlive: time.Minute})
	c := s.dial(t)
	c.send(post("first"))
	<-b.asked
	for _, path := range []string{"/v2/health/live", "/v2/health/ready", "/v2/models/m/ready", "/v2/models/m/versions/1/ready"} {
		s.dial(t).want(200, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	s.dial(t).want(503, inferBinary([]string{"second"}, ""))
	b.free <- struct{}{}
	c.wantAnswer(200)
}

// A tensor in binary form is read as it was written, or refused.
func FuzzBytesTensor(f *testing.F) {
	for _, b := range []string{"", "\x00\x00\x00\x00", "\x01\x00\x00\x00a\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x02\x00\x00\x00a", "\x01\x00\x00\x00\xff", "\x00\x00"} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		items, failure := readBytesTensor(b)
		if failure != nil || len(items) > mostTexts {
			return
		}
		var elements [][]byte
		for _, it := range items {
			if it.fault != nil {
				return
			}
			elements = append(elements, []byte(it.text))
		}
		if again := appendBytesTensor(nil, elements); !bytes.Equal(again, b) {
			t.Fatalf("%q was read as %q, which is %q", b, elements, again)
		}
	})
}
