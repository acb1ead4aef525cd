package web

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasthttp"
)

// unzipMemory is about how many bytes an unzip takes: its window and its tables.
const unzipMemory = 64 << 10

// unzip reads what was compressed with gzip. It returns bytes as soon as they have arrived,
// also those of a member that is whole. gzip.Reader by itself would first wait for the
// beginning of the next member.
type unzip struct {
	from   *bufio.Reader
	member gzip.Reader
	inside bool // a member has begun and has not ended
}

func newUnzip(from io.Reader) *unzip { return &unzip{from: bufio.NewReader(from)} }

func (u *unzip) Read(p []byte) (int, error) {
	for {
		if !u.inside {
			if _, err := u.from.Peek(1); err != nil {
				return 0, err // io.EOF after the last member
			}
			if err := u.member.Reset(u.from); err != nil {
				return 0, err
			}
			u.member.Multistream(false)
			u.inside = true
		}
		n, err := u.member.Read(p)
		if err == io.EOF {
			u.inside, err = false, nil
		}
		if n > 0 {
			return n, nil // the next Read has the error, too
		}
		if err != nil {
			return 0, err
		}
	}
}

// linesZipped reports whether lines are compressed with gzip. Other codings are refused: the
// window of br has up to 16 MiB, and a stream keeps it for as long as it lasts.
func (r *request) linesZipped() (bool, *failure) {
	applied := r.codings()
	if len(applied) == 0 {
		return false, nil
	}
	if len(applied) == 1 && (applied[0] == "gzip" || applied[0] == "x-gzip") {
		return true, nil
	}
	r.Response.Header.Set(fasthttp.HeaderAcceptEncoding, "gzip")
	return false, &failure{415, "unsupported_media_type", fmt.Sprintf("the lines are declared as Content-Encoding: %.64s, want gzip or none", strings.Join(applied, ", ")),
		"compress the lines with gzip, or not at all"}
}

// notZipped says that a body cannot be uncompressed.
func notZipped(err error) *failure {
	return &failure{400, "invalid_encoding", fmt.Sprintf("the lines are declared as Content-Encoding: gzip, but cannot be uncompressed: %v", err),
		"compress the lines as declared, or leave Content-Encoding out"}
}
