package browser_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// The programs that the page shows can be copied and run as they are. Their offsets are
// those of their languages.
func TestProgramsRun(t *testing.T) {
	p := begin(t, clipboard()...)
	p.enter("🎉 It's Angela Merkel's \"day\" in Hamburg,\n\\n `x` and ${HOME} %s \ufeff\u202e</script>\nEND\nof it")
	p.click("#legend [data-label=PERSON]") // the programs ask for the other labels only
	p.until(drawn)
	p.wantMarks("Hamburg GPE")
	p.runPrograms(map[string]string{
		"curl":       `"start":32,"end":39`,
		"Python":     "32 39 GPE Hamburg\n",
		"JavaScript": "33 40 GPE Hamburg\n",
		"Go":         "35 42 GPE Hamburg\n",
	})
	var got any
	if err := json.Unmarshal([]byte(p.copied("JSON")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"model": "en_core_web_sm-3.8.0", "ents": []any{map[string]any{"text": "Hamburg", "label": "GPE", "start": 33.0, "end": 40.0}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the JSON is %v, want %v", got, want)
	}
}

// clipboard allows the page to use the clipboard.
func clipboard() []action {
	allow := func(name string) action {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name},
				Setting:    browser.PermissionSettingGranted,
			})
			return err
		})
	}
	return []action{allow("clipboard-read"), allow("clipboard-write")}
}

// runPrograms copies and runs the program of each language. Each must print what is wanted
// of it, and no person.
func (p *tab) runPrograms(want map[string]string) {
	p.t.Helper()
	dir := p.t.TempDir()
	python, err := filepath.Abs(root + "/.cache/venv/bin/python")
	if err != nil {
		p.t.Fatal(err)
	}
	for name, run := range map[string]struct {
		file    string
		command []string
	}{
		"curl":       {"a.sh", []string{"sh"}},
		"Python":     {"a.py", []string{python}},
		"JavaScript": {"a.mjs", []string{"node"}},
		"Go":         {"a.go", []string{"go", "run"}},
	} {
		file := filepath.Join(dir, run.file)
		if err := os.WriteFile(file, []byte(p.copied(name)), 0o666); err != nil {
			p.t.Fatal(err)
		}
		out, err := exec.Command(run.command[0], append(run.command[1:], file)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want[name]) || strings.Contains(string(out), "PERSON") {
			b, _ := os.ReadFile(file)
			p.t.Errorf("%s prints\n%s%v, want %s\nof\n%s", name, out, err, want[name], b)
		}
	}
}

// copied chooses a language, clicks Copy, and returns what is on the clipboard then.
func (p *tab) copied(name string) string {
	p.t.Helper()
	p.click("#tab-" + name)
	p.click("#copy")
	p.until(`document.getElementById('said').textContent === '` + name + ` copied.'`)
	if button := eval[string](p, `document.getElementById('copy').textContent`); button != "Copied" && button != "Copy" {
		p.t.Errorf("the button says %q", button)
	}
	return eval[string](p, `navigator.clipboard.readText()`)
}
