package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chosen is the model that the page shows as the one in use.
const chosen = `document.getElementById('model').value`

// labelled answers with one entity, the first letter of the text. Its label is in each model
// another.
func labelled(w http.ResponseWriter, _ *http.Request, q question) {
	if q.Text == "" || q.Model == nil {
		http.Error(w, "want a text and a model", 422)
		return
	}
	label := map[string]string{"en_x-1.0": "ORG", "en_y-1.0": "GPE", hostile: "LAW"}[*q.Model]
	found(w, *q.Model, ent{q.Text[:1], label, 0, 1})
}

// A person can choose one of several models with the keyboard. A screen reader says what the
// field is for, and which model has answered. Answers, programs and links have the choice.
func TestChooseModel(t *testing.T) {
	url := fakeModels(t, []string{"en_x-1.0", "en_y-1.0", hostile}, 1<<20, labelled)
	p := open(t, url+"#text=abc", 1280, 900)
	p.until(drawn)
	p.wantMarks("a ORG")
	if name := eval[string](p, `document.getElementById('model').labels[0].textContent`); name != "named entities by" {
		t.Errorf("the label of the field is %q", name)
	}
	if said := eval[string](p, `document.getElementById('said').textContent`); said != "" {
		t.Errorf("before anybody has chosen, the page says %q", said)
	}
	p.do(chromedp.Focus(chromedp.CSS("nav a")))
	p.press(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	if at := eval[string](p, focused); at != "model" {
		t.Fatalf("Tab leads to %q, want the models", at)
	}
	if outline := eval[string](p, `getComputedStyle(document.activeElement).outlineWidth`); outline != "3px" {
		t.Errorf("the focus has an outline of %q", outline)
	}
	p.press(kb.ArrowDown)
	p.until(`document.getElementById('said').textContent === 'Entities by en_y-1.0.'`)
	p.until(drawn)
	p.wantMarks("a GPE")
	for name, want := range map[string]string{
		"JSON": `"model": "en_y-1.0"`, "curl": `, "model": "en_y-1.0"}`, "Python": "\n    \"model\": \"en_y-1.0\",\n",
		"JavaScript": "\n    model: \"en_y-1.0\",\n", "Go": "\n\t\t\"model\":   \"en_y-1.0\",\n",
	} {
		p.click("#tab-" + name)
		if code := eval[string](p, `document.getElementById('snippet').textContent`); !strings.Contains(code, want) {
			t.Errorf("%s does not name the model:\n%s", name, code)
		}
	}
	for _, v := range p.axe() {
		t.Error(v)
	}
	p.click("#share")
	p.until(`location.hash !== '#text=abc'`)
	other := open(t, eval[string](p, `location.href`), 1280, 900)
	other.until(drawn)
	other.wantMarks("a GPE")
	for hash, want := range map[string]string{"text=d": "en_x-1.0", "text=e&model=en_y-1.0": "en_y-1.0", "text=f&model=gone": "en_x-1.0"} {
		other.js(fmt.Sprintf(`{ location.hash = %q; }`, hash))
		other.until(fmt.Sprintf(`document.getElementById('text').value === %q && %s`, hash[5:6], drawn))
		if got := eval[string](other, chosen); got != want {
			t.Errorf("#%s chooses %q, want %q", hash, got, want)
		}
	}
	p.js(`{ const e = document.getElementById('model'); e.selectedIndex = 2; e.dispatchEvent(new Event('change', { bubbles: true })); }`)
	p.until(`document.querySelector('mark .label')?.textContent === 'LAW'`)
	if scripts := eval[int](p, `document.querySelectorAll('header script, header img[src=x]').length`); scripts != 0 {
		t.Error("the name of a model became markup")
	}
	p.click("#clear")
	p.until(drawn)
	p.wantText("#count", "No text yet.")
}

// The field fits a narrow page, whatever a model is called.
func TestManyModelsNarrow(t *testing.T) {
	url := fakeModels(t, []string{strings.Repeat("model", 20), "en_y-1.0"}, 1<<20, labelled)
	for name, actions := range map[string][]action{"light": {phone(320, 640)}, "dark": {phone(320, 640), dark}} {
		p := open(t, url+"#text=abc", 320, 640, actions...)
		p.until(drawn)
		if wide := eval[[]string](p, `[...document.querySelectorAll('body, body *')].filter((e) => e.getBoundingClientRect().right > 320.5 && !e.closest('.unseen, select')).map((e) => e.outerHTML.slice(0, 100))`); len(wide) > 0 {
			t.Errorf("%s: these are too wide: %q", name, wide)
		}
		if right := eval[float64](p, `document.getElementById('model').getBoundingClientRect().right`); right > 320 {
			t.Errorf("%s: the field ends at %v pixels", name, right)
		}
		for _, v := range p.axe() {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// With narwhal itself: the programs of the chosen model run as they are. prose has no label
// DATE, so its answer differs from that of en_core_web_sm.
func TestProgramsOfAModel(t *testing.T) {
	p := open(t, several, 1280, 900, clipboard()...)
	p.until(drawn)
	if models := eval[string](p, `[...document.getElementById('model').options].map((o) => o.value).join()`); models != "en_core_web_sm-3.8.0,prose" {
		t.Fatalf("the models are %s", models)
	}
	p.enter("On Monday he came to Hamburg.")
	p.wantMarks("Monday DATE", "Hamburg GPE")
	p.js(`{ const e = document.getElementById('model'); e.value = 'prose'; e.dispatchEvent(new Event('change', { bubbles: true })); }`)
	p.until(`document.getElementById('said').textContent === 'Entities by prose.'`)
	p.until(drawn)
	p.wantMarks("Hamburg GPE")
	p.runPrograms(map[string]string{
		"curl":       `{"model":"prose","ents":[{"text":"Hamburg","label":"GPE","start":21,"end":28}]}`,
		"Python":     "21 28 GPE Hamburg\n",
		"JavaScript": "21 28 GPE Hamburg\n",
		"Go":         "21 28 GPE Hamburg\n",
	})
}
