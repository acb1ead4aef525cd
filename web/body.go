package web

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/textjson"
)

// object returns the JSON object in the body of a request. It uncompresses the body.
func (s *server) object(r *request) (textjson.Object, *failure) {
	declared := mediaType(&r.Request.Header)
	body, f := s.uncompressed(r)
	if f != nil {
		return nil, f
	}
	o, f := decode(body)
	// The original program reads JSON whatever type is declared, and curl declares the body
	// of -d as a form. So the declared type matters only if the body is not JSON.
	if f != nil && f.kind == "invalid_json" && f != errEmpty && !isJSON(declared) {
		return nil, wrongType(declared)
	}
	return o, f
}

// mediaType returns the Content-Type in lower case without its parameters.
func mediaType(h *fasthttp.RequestHeader) string {
	return mediaTypeOf(string(h.ContentType()))
}

// mediaTypeOf does what mediaType does for the value of the field.
func mediaTypeOf(field string) string {
	declared, _, _ := strings.Cut(field, ";")
	return strings.ToLower(strings.Trim(declared, " \t"))
}

// isJSON reports whether a declared type is a type of JSON. A body without a declared
// type counts as JSON.
func isJSON(declared string) bool {
	return declared == "" || declared == "application/json" || declared == "text/json" ||
		strings.HasPrefix(declared, "application/") && strings.HasSuffix(declared, "+json")
}

func wrongType(declared string) *failure {
	f := &failure{415, "unsupported_media_type", fmt.Sprintf("the body is declared as %.64s, want application/json", declared),
		"send the header field Content-Type: application/json"}
	if declared == "application/x-www-form-urlencoded" {
		f.hint = "curl declares the body of -d as a form unless it is told: -H 'Content-Type: application/json'"
	}
	return f
}

// codings are the content codings that a body may have, as an Accept-Encoding
// field lists them.
const codings = "gzip, deflate, br"

// maxCodings is how many times a body may be compressed. To uncompress a small body that
// was compressed many times would cost much for its size.
const maxCodings = 3

// uncompressed returns the body without the codings of its Content-Encoding fields. It
// fails if the body is larger than LimitBody after any step, and takes no memory for
// more than that. A body in br also needs a window of up to 16 MiB.
func (s *server) uncompressed(r *request) ([]byte, *failure) {
	body, applied := r.Request.Body(), r.codings()
	if len(applied) == 0 || len(body) == 0 {
		return body, nil
	}
	if len(applied) > maxCodings {
		return nil, &failure{415, "unsupported_media_type", fmt.Sprintf("the body is declared as compressed %d times, want at most %d", len(applied), maxCodings),
			"compress the JSON once"}
	}
	for len(applied) > 0 {
		last := len(applied) - 1
		out, err := uncompress(applied[last], body, s.LimitBody)
		switch {
		case err == nil:
		case err == fasthttp.ErrContentEncodingUnsupported:
			r.Response.Header.Set(fasthttp.HeaderAcceptEncoding, codings)
			return nil, &failure{415, "unsupported_media_type", fmt.Sprintf("the body is declared as Content-Encoding: %.64s, want one of %s", applied[last], codings),
				"compress the JSON with gzip, or not at all"}
		case err == fasthttp.ErrBodyTooLarge:
			return nil, &failure{413, "body_too_large", fmt.Sprintf("the body has more than %d bytes when it is uncompressed", s.LimitBody),
				"send the text in parts, or have the server started with a larger --limit-body"}
		default:
			return nil, &failure{400, "invalid_encoding", fmt.Sprintf("the body is declared as Content-Encoding: %.64s, but cannot be uncompressed: %v", applied[last], err),
				"compress the JSON as declared, or leave Content-Encoding out"}
		}
		body, applied = out, applied[:last]
	}
	return body, nil
}

// codings returns the codings of the Content-Encoding fields in lower case, in the order in
// which they were applied. It leaves out identity, which is none.
func (r *request) codings() []string {
	var applied []string
	for _, field := range r.Request.Header.PeekAll(fasthttp.HeaderContentEncoding) {
		for coding := range bytes.SplitSeq(field, []byte(",")) {
			if c := strings.ToLower(string(bytes.Trim(coding, " \t"))); c != "" && c != "identity" {
				applied = append(applied, c)
			}
		}
	}
	return applied
}

// uncompress undoes one coding. It fails if the result has more than limit bytes.
func uncompress(coding string, body []byte, limit int) ([]byte, error) {
	var whole fasthttp.Request // fasthttp's decoders are methods of a request
	whole.SetBodyRaw(body)
	switch coding {
	case "gzip", "x-gzip":
		return whole.BodyGunzipWithLimit(limit)
	case "deflate":
		if !isZlib(body) {
			return inflate(body, limit)
		}
		return whole.BodyInflateWithLimit(limit)
	case "br":
		return whole.BodyUnbrotliWithLimit(limit)
	}
	return nil, fasthttp.ErrContentEncodingUnsupported
}

// isZlib reports whether bytes begin as zlib does (RFC 1950, 2.2).
func isZlib(b []byte) bool {
	return len(b) >= 2 && b[0]&15 == 8 && (int(b[0])<<8|int(b[1]))%31 == 0
}

// inflate does what uncompress does for bytes of deflate without the frame of zlib. They
// are not what HTTP calls deflate, but some clients send them (RFC 9110, 8.4.1.2).
func inflate(body []byte, limit int) ([]byte, error) {
	z := flate.NewReader(bytes.NewReader(body))
	defer z.Close()
	out, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case len(out) > limit:
		return nil, fasthttp.ErrBodyTooLarge
	}
	return out, nil
}
