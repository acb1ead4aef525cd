package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// plain is the text of the page as it is drawn, without the labels.
	plain = `[...document.querySelectorAll('#marked')].map((e) => { e = e.cloneNode(true); e.querySelectorAll('.label').forEach((l) => l.remove()); return e.textContent; })[0]`
	// drawn is true when the answer to the text in the field is drawn, to its end.
	drawn = `(!document.body.classList.contains('busy') && document.getElementById('marked').ariaBusy === null && ` + plain + ` === document.getElementById('text').value)`
	// marks lists the entities that are shown.
	marks = `[...document.querySelectorAll('#marked mark')].map((e) => e.firstChild.data + ' ' + e.querySelector('.label').textContent)`
)

// begin opens the page of narwhal and waits for the answer to the first example.
func begin(t *testing.T, actions ...action) *tab {
	t.Helper()
	p := open(t, address, 1280, 900, actions...)
	p.until(drawn)
	return p
}

// enter replaces the text as a paste does, and waits for the answer.
func (p *tab) enter(text string) {
	p.t.Helper()
	p.put(text)
	p.until(drawn)
}

func (p *tab) put(text string) {
	p.t.Helper()
	b, _ := json.Marshal(text) // a string always marshals
	p.js(fmt.Sprintf(`{ const e = document.getElementById('text'); e.value = %s; e.dispatchEvent(new Event('input', { bubbles: true })); }`, b))
}

func (p *tab) wantMarks(want ...string) {
	p.t.Helper()
	if got := eval[[]string](p, marks); !slices.Equal(got, want) {
		p.t.Errorf("the entities are %q, want %q", got, want)
	}
}

func (p *tab) wantText(selector, want string) {
	p.t.Helper()
	if got := eval[string](p, fmt.Sprintf(`document.querySelector(%q).textContent`, selector)); got != want {
		p.t.Errorf("%s has %q, want %q", selector, got, want)
	}
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

func (p *tab) press(keys string, options ...chromedp.KeyOption) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys, options...))
}

const focused = `(document.activeElement.closest('mark')?.firstChild.data ?? document.activeElement.id)`

func TestTyping(t *testing.T) {
	p := begin(t)
	p.wantText("#model", "en_core_web_sm-3.8.0")
	p.click("#clear")
	p.until(drawn)
	p.wantText("#count", "No text yet.")
	p.wantMarks()
	p.press("Angela Merkel was born in Hamburg.") // Clear has put the focus into the field
	p.until(drawn)
	p.wantMarks("Angela Merkel PERSON", "Hamburg GPE")
	p.wantText("#count", "2 entities, 2 labels")
	if ms := eval[string](p, `document.getElementById('latency').textContent`); !regexp.MustCompile(`^[0-9.]+ ms$`).MatchString(ms) {
		t.Errorf("the latency is %q", ms)
	}
	if size := eval[string](p, `document.getElementById('size').textContent`); size != "34 characters, 63 bytes of at most 1 MiB" {
		t.Errorf("the size is %q", size)
	}
	p.enter("nothing here\n")
	p.wantText("#count", "No entities found.")
}

// A row leads to its entity, and an entity to its row.
func TestTableAndTip(t *testing.T) {
	p := begin(t)
	p.enter("Angela Merkel was born in Hamburg.")
	p.wantText("tbody tr:nth-child(2)", "HamburgGPE2633")
	p.click("tbody tr:nth-child(2) td")
	if got := eval[string](p, focused); got != "Hamburg" {
		t.Errorf("after a click on its row the focus is on %q", got)
	}
	p.wantText("#tip", "GPE countries, cities, states26–33")
	p.click("mark")
	p.wantText("tr.current .name", "Angela Merkel")
	p.js(`document.activeElement.blur()`)
	if !eval[bool](p, `document.getElementById('tip').hidden`) {
		t.Error("the tip stays")
	}
	p.js(`document.querySelectorAll('mark')[1].dispatchEvent(new MouseEvent('mouseover', { bubbles: true }))`)
	p.wantText("#tip", "GPE countries, cities, states26–33")
}

func TestFilter(t *testing.T) {
	p := begin(t)
	p.enter("Angela Merkel and Joe Biden met in Hamburg.")
	p.wantText("#legend", "PERSON2GPE1Hide all")
	p.click(`#legend [data-label=PERSON]`)
	p.until(drawn)
	p.wantMarks("Hamburg GPE")
	p.wantText("#count", "3 entities, 2 labels, 1 shown")
	p.wantText("#rows", "HamburgGPE3542")
	if got := eval[string](p, `document.activeElement.dataset.label + document.activeElement.ariaPressed`); got != "PERSONfalse" {
		t.Errorf("the focus is on %s", got)
	}
	p.click("#tab-Python")
	if code := eval[string](p, `document.getElementById('snippet').textContent`); !strings.Contains(code, `"labels": ["GPE"]`) {
		t.Errorf("the program asks for other labels:\n%s", code)
	}
	p.enter("Angela Merkel and Joe Biden met in Paris.")
	p.wantMarks("Paris GPE") // the filter stays
	p.click("#every")
	p.until(drawn)
	p.wantMarks("Angela Merkel PERSON", "Joe Biden PERSON", "Paris GPE")
	p.click("#every")
	p.until(drawn)
	p.wantMarks()
}

func TestKeyboard(t *testing.T) {
	p := begin(t)
	p.enter("Angela Merkel, Joe Biden and Emmanuel Macron met in Hamburg.")
	p.js(`document.querySelector('#legend button:last-child').focus()`)
	p.press(kb.Tab)
	step := func(keys, want string) {
		t.Helper()
		if keys != "" {
			p.press(keys)
		}
		if got := eval[string](p, focused); got != want {
			t.Errorf("the focus is on %q, want %q", got, want)
		}
	}
	step("", "Angela Merkel") // the entities are one stop of Tab
	if outline := eval[string](p, `getComputedStyle(document.activeElement).outlineWidth`); outline != "3px" {
		t.Errorf("the focus has an outline of %q", outline)
	}
	step(kb.ArrowRight, "Joe Biden")
	step(kb.ArrowDown, "Emmanuel Macron")
	p.wantText("#tip", "PERSON people, including fictional29–44")
	step(kb.End, "Hamburg")
	step(kb.ArrowRight, "Hamburg")
	step(kb.ArrowLeft, "Emmanuel Macron")
	step(kb.Home, "Angela Merkel")
	step(kb.Tab, "share")
	p.press(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	step("", "Angela Merkel")
	step(kb.Escape, "text")
	p.js(`document.getElementById('tab-JSON').focus()`)
	step(kb.ArrowLeft, "tab-Go")
	if got := eval[string](p, `document.querySelector('[aria-selected=true]').id`); got != "tab-Go" {
		t.Errorf("the tab is %s", got)
	}
}

// Ctrl and Enter ask at once, Esc cancels, and a newer text cancels the older.
func TestCancel(t *testing.T) {
	asked, gone := make(chan string, 10), make(chan string, 10)
	p := open(t, fake(t, 1<<20, func(w http.ResponseWriter, r *http.Request, q question) {
		asked <- q.Text
		if strings.HasPrefix(q.Text, "slow") {
			<-r.Context().Done()
			gone <- q.Text
			return
		}
		found(w, "fake-1.0")
	}), 1280, 900)
	<-asked // the first example
	p.until(drawn)
	want := func(from chan string, text string) {
		t.Helper()
		if got := <-from; got != text {
			t.Fatalf("%q, want %q", got, text)
		}
	}
	p.js(`{ const e = document.getElementById('text'); e.value = 'slow 1'; e.focus(); }`) // no input event: nothing asks by itself
	p.press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	want(asked, "slow 1")
	p.put("slow 2")
	want(asked, "slow 2")
	want(gone, "slow 1")
	p.press(kb.Escape)
	want(gone, "slow 2")
	p.until(`!document.body.classList.contains('busy')`)
	p.put("quick")
	want(asked, "quick")
	p.until(drawn)
}

const hostile = `<script>alert(1)</script><img src=x onerror=alert(1)>"'&amp;`

// What a text, a label or a model has in it stays text.
func TestHostile(t *testing.T) {
	p := open(t, fake(t, 1<<20, func(w http.ResponseWriter, r *http.Request, q question) {
		found(w, hostile, ent{hostile, hostile, 0, len(hostile)}, ent{"x", "__proto__", len(hostile) + 1, len(hostile) + 2}, ent{"", "EMPTY", 3, 3}, ent{"far", "FAR", 1e6, 2e6}, ent{"back", "BACK", 1, 2})
	}), 1280, 900)
	p.until(`document.getElementById('model').textContent.startsWith('<script>')`)
	p.js(`window.alert = () => { window.alerted = true; }`)
	scripts := eval[int](p, `document.scripts.length`)
	p.enter(hostile + " x")
	p.wantMarks(hostile+" "+hostile, "x __proto__")
	p.wantText("tbody tr .name", hostile)
	for _, name := range []string{"JSON", "curl", "Python", "JavaScript", "Go"} {
		p.click("#tab-" + name)
	}
	p.do(chromedp.Focus(chromedp.CSS("mark")))
	p.wantText("#tip b", hostile)
	exported := p.export()
	if strings.Contains(exported, "<script") || strings.Contains(exported, "<img") || !strings.Contains(exported, "&lt;script&gt;alert(1)") {
		t.Errorf("the exported page is\n%s", exported)
	}
	if eval[bool](p, `Boolean(window.alerted)`) || eval[int](p, `document.scripts.length`) != scripts || eval[int](p, `document.querySelectorAll('main img').length`) != 0 {
		t.Error("a text became markup")
	}
}

// export returns the file that Save as HTML gives.
func (p *tab) export() string {
	p.t.Helper()
	p.js(`{ URL.createObjectURL = (blob) => { window.exported = blob.text(); return '#'; }; }`)
	p.click("#export")
	return eval[string](p, `window.exported`)
}

func TestExport(t *testing.T) {
	p := begin(t)
	p.enter("Ada met Angela Merkel\n\n in Hamburg.\n")
	if exported := p.export(); !strings.HasPrefix(exported, "<!doctype html>") || !strings.Contains(exported, `<meta charset="utf-8">`) ||
		!strings.Contains(exported, ">Hamburg<span class=\"label\"") || !strings.Contains(exported, "\n\n in ") ||
		!strings.Contains(exported, "rgb(254, 202, 116)") || strings.Contains(exported, "tabindex") || strings.Contains(exported, " data-") {
		t.Errorf("the exported page is\n%s", exported)
	}
}

// Offsets of characters beyond U+FFFF, of combining marks and of line ends are those of the
// text on the page.
func TestOffsets(t *testing.T) {
	p := begin(t)
	for _, text := range []string{
		"👩‍💻 Angela Merkel went to Hamburg 🎉🎉 and to Paris.",
		"Zoe\u0301 and Jose\u0301 Marti\u0301 met in Sa\u0303o Paulo, 🇧🇷 Brazil, on Monday.",
		"Hamburg\n\n\tand Paris 𝒳 \u202e Berlin\n\n",
	} {
		p.enter(text)
		if eval[int](p, `document.querySelectorAll('mark').length`) < 2 {
			t.Errorf("%q has too few entities", text)
		}
		if bad := eval[[]string](p, `[...document.querySelectorAll('tbody tr')].filter(({ cells: c }, i) =>
			document.getElementById('text').value.slice(c[2].textContent, c[3].textContent) !== c[0].textContent ||
			document.querySelectorAll('mark')[i].firstChild.data !== c[0].textContent).map((r) => r.textContent)`); len(bad) > 0 {
			t.Errorf("in %q these rows are wrong: %q", text, bad)
		}
		// Python's offsets give the same texts.
		if same := eval[bool](p, `fetch('v1/entities', { method: 'POST', body: JSON.stringify({ text: document.getElementById('text').value }) }).then((r) => r.json()).then(({ ents }) =>
			JSON.stringify(ents.map((e) => [...document.getElementById('text').value].slice(e.start, e.end).join(''))) ===
			JSON.stringify([...document.querySelectorAll('td.name')].map((e) => e.textContent)))`); !same {
			t.Errorf("in %q the entities differ from those with other offsets", text)
		}
	}
}

// A text of 100,000 characters is drawn whole, and a text that comes while it is drawn
// replaces it.
func TestLongText(t *testing.T) {
	const one = "Angela Merkel, who was born in Hamburg, met Joe Biden 🎉 in Washington on Monday.\n"
	p := begin(t)
	long := strings.Repeat(one, 100_000/len(one)+1)
	p.enter(long)
	n := eval[int](p, `document.querySelectorAll('mark').length`)
	if rows := eval[int](p, `document.querySelectorAll('tbody tr').length`); n < 5000 || rows != n {
		t.Errorf("%d entities, %d rows", n, rows)
	}
	count := eval[string](p, `document.getElementById('count').textContent.replace(/ .*/, '').replace(',', '')`)
	if count != fmt.Sprint(n) {
		t.Errorf("%s entities are counted, %d shown", count, n)
	}
	p.do(chromedp.Focus(chromedp.CSS("mark")))
	p.press(kb.End)
	if at := eval[string](p, focused); at != "Monday" {
		t.Errorf("the last entity is %q", at)
	}
	if n := eval[int](p, `document.getElementById('snippet').textContent.length`); n > 5000 {
		t.Errorf("the program is shown with %d characters", n)
	}
	// Switching a label draws the long text anew. The next text comes before that is done.
	p.js(`document.querySelector('#legend button').click()`)
	p.js(`document.getElementById('clear').click()`)
	p.enter("Joe Biden met Angela Merkel.")
	p.js(`document.querySelectorAll('#legend [aria-pressed=false]').forEach((b) => b.click())`)
	p.until(drawn)
	p.wantMarks("Joe Biden PERSON", "Angela Merkel PERSON")
}

func TestFiles(t *testing.T) {
	p := begin(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	choose := func(path string) { p.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{path})) }
	choose(file("a.txt", "Angela Merkel\r\nin Hamburg"))
	p.until(`document.getElementById('text').value === 'Angela Merkel\nin Hamburg'`)
	p.until(drawn)
	p.wantMarks("Angela Merkel PERSON", "Hamburg GPE")
	choose(file("b.bin", "\xff\xfe\x00"))
	p.until(`document.getElementById('error').textContent === 'b.bin is not text in UTF-8.'`)
	choose(file("c.txt", strings.Repeat("x", 1<<20+1)))
	p.until(`document.getElementById('error').textContent.startsWith('c.txt is too large: it has 1 MiB, and the server takes 1 MiB.')`)
	p.js(`{ const data = new DataTransfer(); data.items.add(new File(['Joe Biden in Paris'], 'd.txt'));
		document.getElementById('text').dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer: data })); }`)
	p.until(`document.getElementById('text').value === 'Joe Biden in Paris'`)
	p.until(drawn)
	p.wantMarks("Joe Biden PERSON", "Paris GPE")
	if eval[string](p, `document.getElementById('error').textContent`) != "" {
		t.Error("the error stays")
	}
}

func TestShare(t *testing.T) {
	p := begin(t)
	const text = "100% of #Hamburg & Paris+Berlin?\n🎉 “Zoé”"
	p.enter(text)
	p.click("#share")
	p.until(`location.hash !== ''`)
	link := eval[string](p, `location.href`)
	other := open(t, link, 1280, 900)
	other.until(drawn)
	if got := eval[string](other, `document.getElementById('text').value`); got != text {
		t.Errorf("%s opens with %q", link, got)
	}
	other.js(`{ location.hash = '#text=Paris'; }`)
	other.until(`document.getElementById('text').value === 'Paris'`)
	other.js(`{ location.hash = '#text=%ff'; }`)
	other.until(`document.getElementById('error').textContent.startsWith('The link is damaged')`)
	damaged := open(t, address+"#text=%ff", 1280, 900)
	damaged.until(`document.getElementById('error').textContent.startsWith('The link is damaged')`)
	if got := eval[string](damaged, `document.getElementById('text').value`); got != "" {
		t.Errorf("a damaged link opens with %q", got)
	}
	p.enter(strings.Repeat("Hamburg ", 1100))
	p.click("#share")
	p.until(`document.getElementById('error').textContent === 'The text is too long for a link: it has 8,800 characters, and a link takes 8,000.'`)
}

// refused is what the console says of an answer that is an error.
var refused = regexp.MustCompile("Failed to load resource")

func TestErrors(t *testing.T) {
	url := fake(t, 200, func(w http.ResponseWriter, r *http.Request, q question) {
		switch q.Text {
		case "refused":
			w.WriteHeader(503)
			fmt.Fprint(w, `{"error": "the worker has too many requests", "error_type": "overloaded", "hint": "try again in a second"}`)
		case "proxy":
			w.WriteHeader(502)
			fmt.Fprint(w, "<h1>Bad Gateway</h1>")
		case "cut":
			panic(http.ErrAbortHandler)
		default:
			found(w, "fake-1.0")
		}
	})
	p := open(t, url+"#text=fine", 1280, 900)
	p.allowed = refused
	p.until(`document.getElementById('count').textContent === 'No entities found.'`)
	for text, want := range map[string]string{
		"refused":                "The worker has too many requests. Try again in a second.",
		"proxy":                  "The server answers 502 without a word of explanation.",
		"cut":                    "The server cannot be reached. Is narwhal still running at this address?",
		strings.Repeat("é", 100): "The text is too large: the request would have 229 bytes, and the server takes 200 bytes. Shorten the text, or start the server with a larger --limit-body.",
	} {
		p.put(text)
		p.until(fmt.Sprintf(`document.getElementById('error').textContent === %q && !document.getElementById('error').hidden`, want))
		p.put("fine")
		p.until(`document.getElementById('error').hidden`)
	}
}

// A service with tokens lets a browser open the page, which asks for a token.
func TestToken(t *testing.T) {
	const token = "a token of a person"
	url := fake(t, 1<<20, func(w http.ResponseWriter, r *http.Request, _ question) {
		switch r.Header.Get("Authorization") {
		case "":
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error": "the request has no token", "hint": "send the header field Authorization"}`)
		case "Bearer " + token:
			found(w, "fake-1.0", ent{"Ada", "PERSON", 0, 3})
		default:
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error": "the token is not known here", "hint": "ask who runs the service for a token"}`)
		}
	})
	p := open(t, url+"#text=Ada", 1280, 900)
	p.allowed = refused
	said := func(want string) { p.until(fmt.Sprintf(`document.getElementById('error').textContent === %q`, want)) }
	said("This service wants a token. Enter it below; who runs the service has it.")
	if found := p.axe(); len(found) > 0 {
		t.Errorf("axe-core: %s", strings.Join(found, "\n"))
	}
	p.do(chromedp.SendKeys("#token", "another"+kb.Enter))
	said("The token is not known here. Ask who runs the service for a token.")
	p.js(`document.getElementById('token').value = ''`)
	p.do(chromedp.SendKeys("#token", " "+token))
	p.click("#access button")
	p.until(`document.getElementById('error').hidden && document.getElementById('access').hidden && ` + drawn)
	p.wantMarks("Ada PERSON")
	p.until(`document.getElementById('snippet-note').textContent.includes('Add the header field Authorization: Bearer and the token.')`)
}
