package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/ner/spacy"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

const (
	manyTexts  = 256       // texts of a request
	manyLines  = 1_000_000 // lines of JSON in a request
	manyRounds = 5
	manyTime   = 4 * time.Second // of the engine, and of the requests, in a round
)

// shortText returns one of many different short texts.
func shortText(i int) string {
	return fmt.Sprintf("Anna Smith met %d people in Paris on Monday, and paid $%d to Acme Inc.", i%89, i%1009)
}

// many compares texts in requests with the same texts in a call of the engine: 256 in a
// list, and a million lines. One worker computes one text at a time, and the client has
// another core. The engine and the server compute in turn, because the machine is not
// always equally fast. It prints texts a second, and how the memory of the server grows.
func many(narwhal, model string) (err error) {
	fmt.Println("short texts               texts/s: engine, server   ratio   PSS MB: before, most")
	e, err := openEngine(model)
	if err != nil {
		return err
	}
	defer e.Close()
	ctx := context.Background()
	s, err := server.Start(ctx, narwhal, 1, "--model", model, "--worker-class", "concurrent", "--gomaxprocs", "1", "--timeout", "1h", "--graceful-timeout", "1h")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	for _, m := range []struct {
		name   string
		rounds int
		run    func(ctx context.Context, url string) (perSecond float64, err error)
	}{
		{fmt.Sprintf("requests of %d", manyTexts), manyRounds, lists},
		{fmt.Sprintf("%d lines of JSON", manyLines), 1, lines},
	} {
		before, err := proc.PSS(s.Pids()...)
		if err != nil {
			return err
		}
		watching, stop := context.WithCancel(ctx)
		most := make(chan int64)
		go func() {
			most <- watch(watching, s)
		}()
		engine, served, err := inTurn(ctx, e, m.rounds, "http://"+s.Addr+"/v1/entities", m.run)
		stop()
		largest := <-most
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Printf("%-25s %15.0f %7.0f %7.2f %16.1f, %.1f\n", m.name, engine, served, served/engine, mb(before), mb(largest))
	}
	return nil
}

// inTurn lets the engine and the server compute in turn, and the engine once more at the
// end. It returns the mean of each in texts a second.
func inTurn(ctx context.Context, e engine, rounds int, url string, run func(ctx context.Context, url string) (float64, error)) (engine, served float64, err error) {
	for i := 0; ; i++ {
		perSecond, err := e.compute()
		if err != nil {
			return 0, 0, err
		}
		engine += perSecond / float64(rounds+1)
		if i == rounds {
			return engine, served, nil
		}
		if perSecond, err = run(ctx, url); err != nil {
			return 0, 0, err
		}
		served += perSecond / float64(rounds)
	}
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// watch returns the most memory that the server has until ctx ends, in bytes.
func watch(ctx context.Context, s *server.Server) (most int64) {
	for {
		if n, err := proc.PSS(s.Pids()...); err == nil {
			most = max(most, n)
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return most
		}
	}
}

// engine is a pipeline in this process.
type engine struct{ *spacy.Pipeline }

func openEngine(model string) (engine, error) {
	p, err := spacy.Open(model, spacy.Options{})
	if err != nil {
		return engine{}, err
	}
	e := engine{p}
	_, err = e.compute() // warm up
	return e, err
}

// compute returns how many texts a second one goroutine recognizes.
func (e engine) compute() (perSecond float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	n, began := 0, time.Now()
	for ; time.Since(began) < manyTime; n++ {
		if _, err := e.Entities(context.Background(), shortText(n)); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// lists sends requests with lists of texts on two connections, so that the server always
// has one to compute.
func lists(ctx context.Context, url string) (perSecond float64, err error) {
	var next, done atomic.Int64
	began := time.Now()
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for time.Since(began) < manyTime {
				var texts []string
				for range manyTexts {
					texts = append(texts, shortText(int(next.Add(1))))
				}
				body, _ := json.Marshal(map[string][]string{"texts": texts})
				r, err := post(ctx, client, url, "application/json", bytes.NewReader(body))
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
				if err != nil {
					errs <- err
					return
				}
				done.Add(manyTexts)
			}
			errs <- nil
		}()
	}
	err = errors.Join(<-errs, <-errs)
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// lines sends one request with many lines, and counts those of the answer.
func lines(ctx context.Context, url string) (perSecond float64, err error) {
	in, out := io.Pipe()
	defer in.Close()
	go func() {
		w := bufio.NewWriter(out)
		var err error
		for i := 0; i < manyLines && err == nil; i++ {
			_, err = fmt.Fprintf(w, "{\"text\": %q}\n", shortText(i))
		}
		out.CloseWithError(errors.Join(err, w.Flush()))
	}()
	began := time.Now()
	r, err := post(ctx, &http.Client{Transport: &http.Transport{}}, url, "application/x-ndjson", in)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	n := 0
	scanner := bufio.NewScanner(r.Body)
	for ; scanner.Scan(); n++ {
		if !bytes.Contains(scanner.Bytes(), []byte(`"ents":[`)) {
			return 0, fmt.Errorf("line %d: %s", n+1, scanner.Bytes())
		}
	}
	if err := scanner.Err(); err != nil || n != manyLines {
		return 0, fmt.Errorf("%d lines of %d were answered: %v", n, manyLines, err)
	}
	return manyLines / time.Since(began).Seconds(), nil
}

func post(ctx context.Context, client *http.Client, url, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	r, err := client.Do(req)
	if err == nil && r.StatusCode != 200 {
		text, _ := io.ReadAll(r.Body)
		r.Body.Close()
		return nil, fmt.Errorf("status %d: %.200s", r.StatusCode, text)
	}
	return r, err
}
