package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// phone makes the window that of a telephone with a touch screen.
func phone(width, height int64) action {
	return chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulateTouch)
}

func TestDark(t *testing.T) {
	back := func(actions ...action) string {
		return eval[string](begin(t, actions...), `getComputedStyle(document.body).backgroundColor + ' ' + getComputedStyle(document.querySelector('mark')).color`)
	}
	if light, black := back(), back(dark); light != "rgb(244, 246, 248) rgb(17, 17, 17)" || black != "rgb(17, 22, 28) rgb(17, 17, 17)" {
		t.Errorf("background and entities are %s in the light, %s in the dark", light, black)
	}
}

// At 320 pixels nothing must be scrolled sideways, whatever the text is.
func TestNarrow(t *testing.T) {
	long := strings.Repeat("Donaudampfschiff", 20)
	p := open(t, fake(t, 1<<20, func(w http.ResponseWriter, r *http.Request, q question) {
		found(w, strings.Repeat("model", 20), ent{long, strings.Repeat("LABEL_", 10), 0, len(long)}, ent{"ab", "ORG", len(long) + 1, len(long) + 3})
	}), 320, 640, phone(320, 640))
	p.until(`document.querySelectorAll('.code .tabs button').length === 5`)
	p.enter(long + " ab")
	for i, name := range []string{"JSON", "curl", "Python", "JavaScript", "Go"} {
		p.click("#tab-" + name)
		p.do(chromedp.Focus(chromedp.CSS(fmt.Sprintf("mark[data-index='%d']", i%2))))
		if wide := eval[[]string](p, `[...document.querySelectorAll('body, body *')].filter((e) => e.getBoundingClientRect().right > 320.5 && !e.closest('.unseen')).map((e) => e.outerHTML.slice(0, 100))`); len(wide) > 0 {
			t.Errorf("with %s these are too wide: %q", name, wide)
		}
		if width := eval[int](p, `document.documentElement.scrollWidth`); width > 320 {
			t.Errorf("with %s the page is %d pixels wide", name, width)
		}
	}
}

// The boxes of an entity of several lines end inside the frame of the text, which cuts off
// what is outside.
func TestBrokenEntity(t *testing.T) {
	const name = "the International  Federation of Red Cross and  Red Crescent Societies"
	p := open(t, fake(t, 1<<20, func(w http.ResponseWriter, r *http.Request, q question) {
		found(w, "fake-1.0", ent{name, "ORG", 3, 3 + len(name)})
	}), 1280, 900)
	p.enter("at " + name + ".")
	const outside = `(() => {
		const frame = document.getElementById('marked'), widths = [];
		for (let width = 160; width <= 480; width++) {
			frame.style.width = width + 'px';
			const right = frame.getBoundingClientRect().right;
			if ([...frame.querySelector('mark').getClientRects()].some((r) => r.right > right)) widths.push(width);
		}
		return widths;
	})()`
	if widths := eval[[]int](p, outside); len(widths) > 0 {
		t.Errorf("a box of the entity ends outside the frame, if that has a width of %d", widths)
	}
}

// axe returns what axe-core finds wrong with the page.
func (p *tab) axe() []string {
	p.t.Helper()
	source, err := os.ReadFile(root + "/.cache/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		p.t.Fatal("scripts/setup-tests fetches axe-core: ", err)
	}
	p.js(string(source) + "; typeof axe === 'object'")
	type result struct {
		Passes     int
		Violations []struct{ ID, Help, Nodes string }
	}
	r := eval[result](p, `axe.run().then((r) => ({ passes: r.passes.length, violations: r.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html + ': ' + n.failureSummary).join('\n') })) }))`)
	if r.Passes < 20 {
		p.t.Errorf("axe has checked only %d rules", r.Passes)
	}
	var found []string
	for _, v := range r.Violations {
		found = append(found, fmt.Sprintf("%s: %s\n%.1500s", v.ID, v.Help, v.Nodes))
	}
	return found
}

// axe-core finds no violation of its rules, those it calls best practices included.
func TestAccessible(t *testing.T) {
	// An entity of each label, so that each colour is seen.
	labels := strings.Fields("PERSON NORP FAC ORG GPE LOC PRODUCT EVENT WORK_OF_ART LAW LANGUAGE DATE TIME PERCENT MONEY QUANTITY ORDINAL CARDINAL OTHER")
	url := fake(t, 400, func(w http.ResponseWriter, r *http.Request, q question) {
		if q.Text == "refused" {
			w.WriteHeader(503)
			fmt.Fprint(w, `{"error": "the worker has too many requests", "hint": "try again in a second"}`)
			return
		}
		var ents []ent
		for i, l := range labels[:min(len(labels), len(q.Text)/2)] {
			ents = append(ents, ent{q.Text[2*i : 2*i+1], l, 2 * i, 2*i + 1})
		}
		found(w, "fake-1.0", ents...)
	})
	for name, actions := range map[string][]action{"light": nil, "dark": {dark}, "phone": {phone(320, 640)}} {
		p := open(t, url+"#text="+strings.Repeat("a.", len(labels)), 1280, 900, actions...)
		p.allowed = refused
		check := func(when string) {
			t.Helper()
			for _, v := range p.axe() {
				t.Errorf("%s, %s: %s", name, when, v)
			}
		}
		p.until(drawn + ` && document.querySelectorAll('mark').length === ` + fmt.Sprint(len(labels)))
		check("every label")
		p.do(chromedp.Focus(chromedp.CSS("mark")))
		p.click("#legend [data-label=ORG]")
		p.do(chromedp.Focus(chromedp.CSS("mark")))
		check("a label is off, and an entity has the focus")
		p.put("refused")
		p.until(`!document.getElementById('error').hidden`)
		check("an error")
		p.click("#clear")
		p.until(drawn)
		check("no text")
	}
}
