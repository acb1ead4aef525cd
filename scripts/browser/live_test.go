package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// private is in the texts and in the paths of the requests that a test sends.
const private = "Marmalade-Company-of-Zanzibar"

// watched starts a server with an admin address, and clients that send requests until the
// test ends.
func watched(t *testing.T) *server {
	t.Helper()
	s, err := startNarwhal("--model", "models/en_core_web_sm", "--admin-bind", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	t.Cleanup(func() {
		close(stop)
		clients.Wait()
	})
	for range 2 {
		clients.Go(func() {
			body := fmt.Sprintf(`{"text": %q}`, strings.Repeat("The "+private+" is in Hamburg. ", 20))
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, path := range []string{"v1/entities", private} {
					time.Sleep(5 * time.Millisecond) // the browser needs the processors, too
					resp, err := http.Post(s.address+path, "application/json", strings.NewReader(body))
					if err != nil {
						continue // its worker was killed, or the server ends
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	return s
}

// tile is the value of a number on the page, as JavaScript.
func tile(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('#now div')].find((d) => d.firstChild.textContent === %q)?.lastChild.textContent`, name)
}

// event is true if the page shows an event with these words.
func event(name string, words ...string) string {
	var all []string
	for _, w := range words {
		all = append(all, fmt.Sprintf("e.textContent.includes(%q)", w))
	}
	return fmt.Sprintf(`[...document.querySelectorAll('#events [data-event=%s]')].some((e) => %s)`, name, strings.Join(append(all, "true"), " && "))
}

// ready is true if the page shows two ready workers of a generation, and no other.
func ready(generation int) string {
	return fmt.Sprintf(`(() => { const rows = [...document.querySelectorAll('#workers tr')];
		return rows.length === 2 && rows.every((r) => r.dataset.state === 'ready' && r.cells[10].textContent === '%d'); })()`, generation)
}

// The page shows the numbers of a server under load. A reload and the death of a worker
// appear while it stays open. It has no text and no path of a request.
func TestLivePage(t *testing.T) {
	s := watched(t)
	p := open(t, s.admin, 1280, 900)
	p.js(`window.opened = 'once'`)
	p.until(ready(1))
	p.until(event("service_ready", "workers: 2", "generation: 1"))
	p.until(`document.getElementById('state').textContent === 'ready, 2 of 2 workers ready'`)
	p.until(`document.getElementById('about').textContent.includes('en_core_web_sm-3.8.0')`)
	for name, want := range map[string]string{
		"Requests a second": `[\d.,]*[1-9][\d.,]*`,
		"5xx a second":      `[\d.,]+`,
		"Latency, p50":      `[\d.]+ (ms|s)`,
		"Latency, p99":      `[\d.]+ (ms|s)`,
		"Places taken":      `\d+ of [1-9]\d*`,
		"Kernel’s queue":    `\d+ of \d+`,
		"Connections":       `\d+`,
		"Requests in all":   `[\d,]*[1-9][\d,]*`,
	} {
		p.until(fmt.Sprintf(`/^%s$/.test(%s)`, want, tile(name)))
	}
	p.until(`[...document.querySelectorAll('#workers tr')].every((r) => /^\d+ MB$/.test(r.cells[9].textContent) && /[1-9]/.test(r.cells[4].textContent))`)

	if err := s.master.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until(event("reload_done", "generation: 2"))
	p.until(ready(2))
	p.until(`/reload: done|Reload: done/.test(document.getElementById('said').textContent)`)

	victim := eval[int](p, `Number(document.querySelector('#workers tr').dataset.pid)`)
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.until(event("worker_died", "worker died", "status: signal SIGKILL", fmt.Sprintf("worker pid: %d", victim), "hint: a person sends SIGKILL"))
	p.until(ready(2) + fmt.Sprintf(` && !document.querySelector('#workers [data-pid="%d"]')`, victim))

	if got := eval[string](p, `window.opened`); got != "once" {
		t.Errorf("the page was loaded anew: %q", got)
	}
	for what, text := range map[string]string{
		"page":   eval[string](p, `document.documentElement.outerHTML`),
		"status": eval[string](p, `fetch('status').then((r) => r.text())`),
	} {
		if strings.Contains(text, "Marmalade") || !strings.Contains(text, fmt.Sprint(victim)) {
			t.Errorf("the %s has the text of a request, or lacks the worker that died:\n%s", what, text)
		}
	}
}

// The page can be paused. It says when nobody answers, and goes on when somebody does.
func TestLivePageWithoutAnswer(t *testing.T) {
	s := watched(t)
	p := open(t, s.admin, 1280, 900)
	p.allowed = refused
	p.until(ready(1))
	p.click("#pause")
	p.until(`document.getElementById('pause').ariaPressed === 'true'`)
	p.click("#pause")
	p.until(`document.getElementById('pause').ariaPressed === 'false' && document.getElementById('stale').hidden`)
	p.js(`{ const ask = window.fetch; window.fetch = () => ask('nowhere'); window.mend = () => { window.fetch = ask; }; }`)
	p.until(`!document.getElementById('stale').hidden && /^No answer since .*\. What is below may be wrong/.test(document.getElementById('stale').textContent)`)
	p.js(`window.mend()`)
	p.until(`document.getElementById('stale').hidden`)
	s.stop()
	p.until(`!document.getElementById('stale').hidden`)
	for _, v := range p.axe() {
		t.Errorf("without an answer: %s", v)
	}
}

// axe-core finds no violation, in the light, in the dark and on a telephone. At 320 pixels
// nothing must be scrolled sideways but the table.
func TestLivePageAccessible(t *testing.T) {
	s := watched(t)
	back := map[string]string{}
	for name, actions := range map[string][]action{"light": nil, "dark": {dark}, "phone": {phone(320, 640)}} {
		p := open(t, s.admin, 1280, 900, actions...)
		p.until(`document.querySelectorAll('#workers [data-state=ready]').length === 2`)
		victim := eval[int](p, `Number(document.querySelector('#workers [data-state=ready]').dataset.pid)`)
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.until(event("worker_died", fmt.Sprintf("worker pid: %d", victim)))
		for _, v := range p.axe() {
			t.Errorf("%s: %s", name, v)
		}
		back[name] = eval[string](p, `getComputedStyle(document.body).backgroundColor`)
		if name == "phone" {
			if width := eval[int](p, `document.documentElement.scrollWidth`); width > 320 {
				t.Errorf("on a telephone the page is %d pixels wide", width)
			}
		}
	}
	if back["light"] != "rgb(244, 246, 248)" || back["dark"] != "rgb(17, 22, 28)" {
		t.Errorf("the backgrounds are %v", back)
	}
}
