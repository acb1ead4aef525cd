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
	allow := func(name string) action {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name},
				Setting:    browser.PermissionSettingGranted,
			})
			return err
		})
	}
	p := begin(t, allow("clipboard-read"), allow("clipboard-write"))
	p.enter("🎉 It's Angela Merkel's \"day\" in Hamburg,\n\\n `x` and ${HOME} %s \ufeff\u202e</script>\nEND\nof it")
	p.click("#legend [data-label=PERSON]") // the programs ask for the other labels only
	p.until(drawn)
	p.wantMarks("Hamburg GPE")

	dir := t.TempDir()
	python, err := filepath.Abs(root + "/.cache/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]struct {
		file    string
		command []string
		want    string
	}{
		"curl":       {"a.sh", []string{"sh"}, `"start":32,"end":39`},
		"Python":     {"a.py", []string{python}, "32 39 GPE Hamburg\n"},
		"JavaScript": {"a.mjs", []string{"node"}, "33 40 GPE Hamburg\n"},
		"Go":         {"a.go", []string{"go", "run"}, "35 42 GPE Hamburg\n"},
	} {
		file := filepath.Join(dir, run.file)
		if err := os.WriteFile(file, []byte(p.copied(name)), 0o666); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(run.command[0], append(run.command[1:], file)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), run.want) || strings.Contains(string(out), "PERSON") {
			b, _ := os.ReadFile(file)
			t.Errorf("%s prints\n%s%v, want %s\nof\n%s", name, out, err, run.want, b)
		}
	}
	var got any
	if err := json.Unmarshal([]byte(p.copied("JSON")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"model": "en_core_web_sm-3.8.0", "ents": []any{map[string]any{"text": "Hamburg", "label": "GPE", "start": 33.0, "end": 40.0}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the JSON is %v, want %v", got, want)
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
