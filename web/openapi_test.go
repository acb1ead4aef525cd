package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1/cases"
)

// description returns openapi.json as a program reads it that knows OpenAPI 3.1.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The description is valid OpenAPI 3.1. It has every route of the API with its methods.
func TestDescription(t *testing.T) {
	doc := description(t)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("it is OpenAPI %s, want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	got, want := map[string][]string{}, map[string][]string{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			got[path] = append(got[path], method)
		}
		slices.Sort(got[path])
	}
	for _, r := range routes {
		if !r.browser && !r.optional {
			want[r.path] = slices.Sorted(slices.Values(r.methods))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths and methods, want - got +\n%s", diff)
	}
}

func init() {
	openapi3filter.RegisterBodyDecoder("text/html", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		b, err := io.ReadAll(body)
		return string(b), err
	})
}

// The answers in testdata/http are the service's own: TestRequests compares them. Here each
// must be what the description says, with its status, type and body. A request that is
// answered 200 must be described, too. 204, 404 and 405 are described in words.
func TestAnswersAreDescribed(t *testing.T) {
	doc := description(t)
	openapi3filter.RegisterBodyDecoder("text/html", func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		b, err := io.ReadAll(body)
		return string(b), err
	})
	checked := map[int]int{}
	files, err := os.ReadDir("testdata/http")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile("testdata/http/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "\n\n== ")[1:] {
			title, rest, _ := strings.Cut(block, "\n")
			request, answer, _ := strings.Cut(rest, "\n----\n")
			if status := isDescribed(t, doc, f.Name()+", "+title, wire(t, request), answer); status > 0 {
				checked[status]++
			}
		}
	}
	if checked[200] < 20 || checked[400] < 10 || checked[422] < 10 || len(checked) < 8 {
		t.Errorf("so many answers of each status were checked: %v, want more", checked)
	}
}

// Every status of the cases of docs/http.md is described at /, but 204, 404 and 405.
func TestStatusesOfTheCasesAreDescribed(t *testing.T) {
	described := description(t).Paths.Value("/").Post.Responses
	files, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if s := strconv.Itoa(c.Want[0].Status); described.Value(s) == nil && s != "204" && s != "404" && s != "405" {
				t.Errorf("%s: status %s is not described", c.Name, s)
			}
		}
	}
}

// isDescribed checks an answer as it is written in a file. It returns the status, 0 if the
// request is so malformed that no operation is meant, or if words describe the answer.
func isDescribed(t *testing.T, doc *openapi3.T, title, raw, answer string) int {
	t.Helper()
	answer = answer[:strings.LastIndex(answer, "\n(")] // what follows says whether the connection is open
	head, body, _ := strings.Cut(answer, "\n\n")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\r\n\r\n")), nil)
	if err != nil {
		t.Errorf("%s: %v", title, err)
		return 0
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil || resp.StatusCode == 204 || resp.StatusCode == 404 || resp.StatusCode == 405 {
		return 0
	}
	item := doc.Paths.Value(req.URL.Path)
	if item == nil || item.GetOperation(req.Method) == nil {
		return 0
	}
	sent, _ := io.ReadAll(req.Body) // it may end early
	req.Body = io.NopCloser(bytes.NewReader(sent))
	operation := item.GetOperation(req.Method)
	in := &openapi3filter.RequestValidationInput{Request: req, Route: &routers.Route{Spec: doc, PathItem: item, Method: req.Method, Operation: operation}}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(strings.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s: the answer is not described: %v", title, err)
	}
	inPlace := strings.Contains(body, `"error"`)                                                // a text with a fault, which is answered in its place
	if resp.StatusCode == 200 && operation.RequestBody != nil && !inPlace && json.Valid(sent) { // not compressed, and without NaN
		req.Header.Set("Content-Type", "application/json") // other types are answered, but not promised
		if err := openapi3filter.ValidateRequestBody(context.Background(), in, operation.RequestBody.Value); err != nil {
			t.Errorf("%s: the request is answered, but not described: %v", title, err)
		}
	}
	return resp.StatusCode
}

func TestDescriptionIsServed(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	answer := s.dial(t).want(200, "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
	if !strings.Contains(answer, "\nContent-Length: "+strconv.Itoa(len(openAPI))+"\n") || !strings.HasSuffix(answer, "\n\n"+string(openAPI)) {
		t.Errorf("answer %.300s…", answer)
	}
}
