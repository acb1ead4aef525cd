package browser_test

import "testing"

// The documentation shows every operation, and one can be tried from it.
func TestDocs(t *testing.T) {
	p := open(t, address+"docs", 1280, 900)
	p.until(`document.querySelectorAll('.opblock').length > 5`)
	described := eval[int](p, `fetch('openapi.json').then((r) => r.json()).then((d) => Object.values(d.paths).flatMap((path) => Object.keys(path).filter((k) => /^(get|put|post|delete|options|head|patch|trace)$/.test(k))).length)`)
	if n := eval[int](p, `document.querySelectorAll('.opblock').length`); n != described {
		t.Errorf("%d operations are shown, %d are described", n, described)
	}
	p.click("#operations-default-v1Entities button.opblock-summary-control")
	p.until(`document.querySelector('.try-out__btn')`)
	p.click(".try-out__btn")
	p.until(`document.querySelector('.execute')`)
	p.click(".execute")
	p.until(`/"label": "PERSON"/.test(document.querySelector('.live-responses-table .highlight-code')?.textContent)`)
	p.click(`header a[href="./"]`)
	p.until(`document.querySelectorAll('mark').length > 0`)
	p.click(`nav a`)
	p.until(`document.querySelectorAll('.opblock').length > 5`)
}
