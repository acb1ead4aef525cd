package browser_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// mostBytes is how large a screenshot may be, so that the repository stays small.
const mostBytes = 150 << 10

// The screenshots in docs are of the page as it is: make screenshots writes them anew.
func TestScreenshots(t *testing.T) {
	for _, shot := range []struct {
		name          string
		width, height int
		actions       []action
	}{
		{"page-light.png", 1280, 960, nil},
		{"page-dark.png", 1280, 960, []action{dark}},
		{"page-phone.png", 390, 1280, []action{phone(390, 1280)}},
	} {
		name := root + "/docs/" + shot.name
		if *update {
			p := open(t, address, shot.width, shot.height, shot.actions...)
			for range 10 { // the first answers of a server that has just started are slow
				p.until(drawn)
				p.click("#run")
			}
			p.until(drawn)
			p.js(`document.activeElement.blur()`)
			if shot.width > 1000 {
				p.click("#tab-Python")
				p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0), chromedp.Focus(chromedp.CSS(`mark[data-index="5"]`)))
			}
			b, err := chromedp.Run(p, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, smaller(t, b), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() > mostBytes {
			t.Errorf("%s has %d bytes, want at most %d", shot.name, f.Size(), mostBytes)
		}
	}
}

// smaller returns a picture with its 256 most frequent colours.
func smaller(t *testing.T, b []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.RGBA]int{}
	bounds := from.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)]++
		}
	}
	var colors []color.RGBA
	for c := range counts {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	var palette color.Palette
	for _, c := range colors[:min(256, len(colors))] {
		palette = append(palette, c)
	}
	to := image.NewPaletted(bounds, palette)
	draw.Draw(to, bounds, from, bounds.Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
