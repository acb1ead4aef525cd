package install

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

const (
	// Publisher is the address at which Explosion publishes its pipelines.
	Publisher = "https://github.com/explosion/spacy-models/releases/download"

	// MirrorVariable is the environment variable with the address of a mirror. The
	// mirror has the same files as Publisher under the same names.
	MirrorVariable = "NARWHAL_MODEL_MIRROR"
)

// wheelURL returns the address of the release's wheel. base is an address such as Publisher.
func wheelURL(r *model.Release, base string) string {
	version := r.Name + "-" + r.Version
	return strings.TrimSuffix(base, "/") + "/" + version + "/" + version + "-py3-none-any.whl"
}

// overHTTPS returns the source that fetches the wheel over HTTPS. base is an address such as
// Publisher.
func (p *puller) overHTTPS(base string) source {
	at, err := url.Parse(wheelURL(p.rel, base))
	if err == nil && (at.Scheme != "https" || at.Host == "") {
		err = errors.New("want an address that begins with https://")
	}
	if err != nil {
		return source{"from " + base, func(context.Context, string) (string, error) { return "", err }}
	}
	return source{"from " + at.Host, func(ctx context.Context, dir string) (string, error) {
		return p.get(ctx, at, dir)
	}}
}

// newClient returns a client that waits at most 30 seconds for an answer to a request, and
// that follows redirects only to HTTPS.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone() // it uses the proxy in the environment
	t.DisableCompression = true
	t.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: t, CheckRedirect: stayHTTPS}
}

func stayHTTPS(r *http.Request, via []*http.Request) error {
	if r.URL.Scheme != "https" {
		return fmt.Errorf("it redirects to %s, which is not https", r.URL.Redacted())
	}
	if len(via) >= 10 {
		return errors.New("it redirects more than ten times")
	}
	return nil
}

var errStalled = errors.New("the server stopped sending")

// get downloads the wheel into dir and returns its path. It announces the download when the
// server has answered. It fails if no byte arrives for p.stall.
func (p *puller) get(ctx context.Context, at *url.URL, dir string) (string, error) {
	client, stall := p.client, p.stall
	if client == nil {
		client = newClient()
	}
	if stall == 0 {
		stall = time.Minute
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "narwhal")
	resp, err := client.Do(req)
	if err != nil {
		return "", plainly(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", at.Redacted(), resp.Status)
	}
	if resp.ContentLength > pipeline.MaxSize {
		return "", fmt.Errorf("%s has %d bytes, more than %d", at.Redacted(), resp.ContentLength, pipeline.MaxSize)
	}
	size := resp.ContentLength
	if size < 0 { // the server does not send the size
		size = p.rel.Wheel.Size
	}
	p.announce(size, at.Redacted())

	to := filepath.Join(dir, path.Base(at.Path))
	w, err := os.Create(to)
	if err != nil {
		return "", err
	}
	defer w.Close()
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	body := &watched{r: resp.Body, seen: newMeter(p.Out, resp.ContentLength), again: func() { timer.Reset(stall) }}
	n, err := io.Copy(w, io.LimitReader(body, pipeline.MaxSize+1))
	body.seen.finish()
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "", fmt.Errorf("no space left in %s for %d MB; set TMPDIR to use another folder", filepath.Dir(dir), model.Megabytes(p.rel.Wheel.Size))
	case err != nil && context.Cause(ctx) != nil:
		return "", fmt.Errorf("%w after %d bytes", context.Cause(ctx), n)
	case err != nil:
		return "", fmt.Errorf("broken off after %d bytes (%w)", n, plainly(err))
	case n > pipeline.MaxSize:
		return "", fmt.Errorf("%s has more than %d bytes", at.Redacted(), pipeline.MaxSize)
	}
	return to, w.Close()
}

// watched is the body of a response whose bytes are counted while they are read.
type watched struct {
	r     io.Reader
	seen  *meter
	again func() // is called after each read
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.again()
	b.seen.add(n)
	return n, err
}

// plainly returns an error of net/http in a short form, without the prefixes that each layer
// adds.
func plainly(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var errno syscall.Errno
	var outer *url.Error
	switch {
	case errors.As(err, &name):
		return fmt.Errorf("the name %s cannot be resolved", name.Name)
	case errors.As(err, &certificate):
		return fmt.Errorf("its certificate is not trusted (%w); the package ca-certificates has those of the public authorities", certificate.Err)
	case errors.As(err, &errno):
		return fmt.Errorf("it cannot be reached (%w)", errno)
	case errors.As(err, &outer):
		return outer.Err
	}
	return err
}
