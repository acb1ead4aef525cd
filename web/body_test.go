package web

import (
	"bytes"
	"compress/flate"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// compress applies codings in their order.
func compress(body []byte, codings ...string) []byte {
	for _, c := range codings {
		switch c {
		case "gzip":
			body = fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressBestSpeed)
		case "deflate":
			body = fasthttp.AppendDeflateBytesLevel(nil, body, fasthttp.CompressBestSpeed)
		case "br":
			body = fasthttp.AppendBrotliBytesLevel(nil, body, fasthttp.CompressBrotliBestSpeed)
		}
	}
	return body
}

func withCoding(coding string, body []byte) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, len(body), body)
}

func TestCodings(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	all := strings.Split(codings, ", ")
	for _, first := range all {
		for _, second := range append([]string{""}, all...) {
			body := compress([]byte(`{"text":"Angela went to Hamburg."}`), first, second)
			answer := c.want(200, withCoding(first+","+second, body))
			if want := `{"Angela":"NAME","Hamburg":"LAST"}`; !strings.Contains(answer, want) {
				t.Errorf("%s, %s: %s", first, second, answer)
			}
		}
	}
}

// Some clients send deflate without the frame of zlib. The limit holds for that, too.
func TestRawDeflate(t *testing.T) {
	raw := func(body []byte) []byte {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		w.Write(body)
		w.Close()
		return b.Bytes()
	}
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute, LimitBody: 1000})
	c := s.dial(t)
	if answer := c.want(200, withCoding("deflate", raw([]byte(`{"text":"Angela"}`)))); !strings.HasSuffix(answer, `{"Angela":"LAST"}`+"\n") {
		t.Errorf("answer %s", answer)
	}
	c.want(200, withCoding("deflate", raw([]byte(`{"text":"A"}`+strings.Repeat(" ", 1000-12)))))
	c.want(413, withCoding("deflate", raw([]byte(`{"text":"A"}`+strings.Repeat(" ", 1001-12)))))
	c.want(400, withCoding("deflate", raw([]byte(`{"text":"Angela"}`))[:9]))
	if out, err := uncompress("deflate", raw(make([]byte, 16<<20)), 1000); err != fasthttp.ErrBodyTooLarge || out != nil {
		t.Errorf("a bomb: %d bytes, %v; want too large", len(out), err)
	}
}

// A small body that is huge when it is uncompressed takes no more memory than the limit
// allows, and is answered.
func TestBombs(t *testing.T) {
	const limit = 128 << 10
	huge := make([]byte, 16<<20)
	for _, coding := range strings.Split(codings, ", ") {
		bomb := compress(huge, coding)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if out, err := uncompress(coding, bomb, limit); err != fasthttp.ErrBodyTooLarge || out != nil {
			t.Errorf("%s: %d bytes, %v; want too large", coding, len(out), err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 10<<20 { // most of it the window of br
			t.Errorf("%s: a bomb of %d bytes takes %d", coding, len(bomb), took)
		}
	}
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute, LimitBody: limit})
	for _, coding := range []string{"gzip", "br", "gzip, gzip"} {
		bomb := compress(huge, strings.Split(coding, ", ")...)
		c := s.dial(t)
		if answer := c.want(413, withCoding(coding, bomb)); !strings.Contains(answer, `"error_type":"body_too_large"`) {
			t.Errorf("%s: %s", coding, answer)
		}
		c.want(200, post("Angela"))
	}
}

// Any compressed body is uncompressed within the limit, or refused.
func FuzzUncompress(f *testing.F) {
	all := strings.Split(codings, ", ")
	for i, c := range all {
		f.Add(uint8(i), compress([]byte(`{"text":"Angela"}`), c))
		f.Add(uint8(i), compress(make([]byte, 10000), c))
	}
	f.Fuzz(func(t *testing.T, i uint8, body []byte) {
		const limit = 1000
		coding := all[int(i)%len(all)]
		out, err := uncompress(coding, body, limit)
		if len(out) > limit {
			t.Fatalf("%s: %q becomes %d bytes", coding, body, len(out))
		}
		if err != nil {
			return
		}
		if again, err := uncompress(coding, compress(out, coding), limit); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s: %q becomes %q, %v", coding, out, again, err)
		}
	})
}
