// Package browser_test uses the page and the documentation of the API as a person does, in
// Chromium. It is a module of its own, so that the main module does not require chromedp.
package browser_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the screenshots in docs anew")

const root = "../.."

// narwhal is the program. address is that of a running narwhal with en_core_web_sm, several
// that of one with prose, too. chrome is the context of a running Chromium.
var (
	narwhal          string
	address, several string
	chrome           context.Context
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	program, err := chromium()
	if err != nil {
		if os.Getenv("CI") != "" {
			return 1, err
		}
		fmt.Fprintln(os.Stderr, "NOT RUN:", err)
		return 0, nil
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	narwhal = filepath.Join(dir, "narwhal")
	build := exec.Command("go", "build", "-o", narwhal, "./cmd/narwhal")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %v\n%s", err, out)
	}
	for at, models := range map[*string]string{&address: "models/en_core_web_sm", &several: "models/en_core_web_sm,prose"} {
		s, err := startNarwhal("--model", models)
		if err != nil {
			return 1, err
		}
		defer s.stop()
		*at = s.address
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.WSURLReadTimeout(2*time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox does not work for root
	}
	all, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	chrome, cancel = chromedp.NewContext(all)
	defer cancel()
	if err := chromedp.Do(chrome); err != nil {
		return 1, fmt.Errorf("start %s: %w", program, err)
	}
	return m.Run(), nil
}

// chromium returns the path of the program.
func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no Chromium here: scripts/setup-tests installs it on Debian")
}

// server is a running narwhal.
type server struct {
	master         *os.Process
	address, admin string // of its pages; admin is empty without --admin-bind
	stop           func()
}

// startNarwhal starts a server with two workers and these settings.
func startNarwhal(settings ...string) (*server, error) {
	cmd := exec.Command(narwhal, append([]string{"-w", "2", "-k", "concurrent", "--bind", "127.0.0.1:0"}, settings...)...)
	cmd.Dir = root
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{master: cmd.Process, stop: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
	})}
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if m := regexp.MustCompile(` event=admin_listens address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			s.admin = "http://" + m[1] + "/"
		}
		if m := regexp.MustCompile(` event=serving .*?\baddress=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() {
				}
			}()
			s.address = "http://" + m[1] + "/"
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("narwhal did not start:\n%s", &said)
}

// tab is a page in the browser. It collects what the console says.
type tab struct {
	context.Context
	t testing.TB

	mu   sync.Mutex
	said []string // errors and warnings, also about the policy
	// allowed matches messages that are part of a test
	allowed *regexp.Regexp
}

// open opens an address in a tab of this size.
func open(t testing.TB, url string, width, height int, actions ...action) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chrome)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	p := &tab{Context: ctx, t: t}
	host := strings.Join(strings.SplitAfterN(url, "/", 4)[:3], "")
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				p.say(e.Entry.Text + " " + e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			p.say(fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception.Description))
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				p.say(fmt.Sprintf("console.%s %s", e.Type, e.Args[0].Value))
			}
		case *network.EventRequestWillBeSent:
			if strings.HasPrefix(e.Request.URL, "http") && !strings.HasPrefix(e.Request.URL, host) {
				p.say("a request to another host: " + e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.said {
			if p.allowed == nil || !p.allowed.MatchString(s) {
				t.Errorf("the browser says: %s", s)
			}
		}
	})
	p.do(command(log.Enable, cdp.Empty{}), command(network.Enable, network.EnableParams{}), chromedp.EmulateViewport(int64(width), int64(height)))
	p.do(actions...)
	p.do(chromedp.Navigate(url))
	return p
}

// action is a step that returns nothing.
type action = chromedp.Action[chromedp.Void]

// command makes an action of a command of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

var dark = command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
	Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
})

func (p *tab) say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, what)
}

func (p *tab) do(actions ...action) {
	p.t.Helper()
	if err := chromedp.Do(p, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression, which may be a promise.
func eval[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// js runs statements of JavaScript.
func (p *tab) js(statements string) {
	p.t.Helper()
	eval[chromedp.Void](p, statements)
}

// until waits until a JavaScript expression is true. The page may be replaced meanwhile.
func (p *tab) until(js string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p, 8*time.Minute)
	defer cancel()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+js+")"))
		if err == nil && is {
			return
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("never: %s: %v\nthe page has\n%.3000s", js, err, eval[string](p, "document.body.innerText"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
