package api_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// wordsOfPages are the texts of the wallet's pages in a language, by their keys.
func wordsOfPages(t *testing.T, language string) (words map[string]string) {
	t.Helper()
	content, err := os.ReadFile("../console/ui/src/words/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

// shown keeps a picture of a phone's screen for docs/wallet, and holds that it is small enough for a phone that reads
// the docs.
func (w *walletPage) shown(name string) {
	w.t.Helper()
	const most = 60_000 // bytes
	var shot []byte
	const there = `!document.querySelector("main .skeleton") && document.querySelector("main")?.innerText.length > 20`
	w.do(chromedp.Poll(there, nil, often),
		chromedp.Evaluate(`document.activeElement?.blur()`, nil), chromedp.CaptureScreenshot(&shot))
	if shot = inFewColours(w.t, shot); len(shot) > most {
		w.t.Errorf("the picture %s has %d bytes, want at most %d", name, len(shot), most)
	}
	if err := os.WriteFile(os.Getenv("AQSHA_SCREENSHOTS")+"/guide-"+name+".png", shot, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// inFewColours writes a PNG anew with the 256 colours that it has most of, and each other as the nearest of them: half
// as long.
func inFewColours(t *testing.T, content []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	count, bounds := map[color.Color]int{}, full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[full.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	few := image.NewPaletted(bounds, colours[:min(len(colours), 256)])
	draw.Draw(few, bounds, full, bounds.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What docs/wallet.md shows: alice names the baker, looks at a payment and makes it, opens the receipt, and asks for
// money, in each language in a network of its own. make docs-pictures keeps the pictures.
func TestPicturesForTheWalletsGuide(t *testing.T) {
	if os.Getenv("AQSHA_SCREENSHOTS") == "" {
		t.Skip("AQSHA_SCREENSHOTS names no folder for pictures: make docs-pictures")
	}
	for language, said := range map[string]struct{ baker, bread, tea string }{
		"en": {"Bakery", "Bread", "Tea"}, "kk": {"Наубайхана", "Нан", "Шай"}, "ru": {"Пекарня", "Хлеб", "Чай"},
	} { // any order: each by itself
		t.Run(language, func(t *testing.T) {
			words := wordsOfPages(t, language)
			w := newWalletPage(t)
			w.do(emulation.SetDeviceMetricsOverride(390, 640, 1, true),
				chromedp.Navigate(w.http.URL+"/wallet/"))
			w.speak(language)
			w.see(words["welcome.title"])
			w.shown("first-" + language)
			w.takeAlice()
			w.speak(language)
			w.turn("people")
			w.fill(words["bank.number"], w.bob.String())
			w.fill(words["people.name"], said.baker)
			w.press(words["people.save"])
			w.see(said.baker)
			w.turn("pay")
			w.fill(words["pay.to"], w.bob.String())
			w.fill(words["pay.amount"], "1850")
			w.fill(words["pay.memo"], said.bread)
			w.press(words["pay.check"])
			w.see(words["pay.after"])
			w.shown("pay-" + language)
			w.do(chromedp.Evaluate(`document.querySelector("main form").requestSubmit()`, nil),
				chromedp.WaitVisible(".card.done", chromedp.ByQuery))
			w.turn("")
			w.see(said.baker)
			w.shown("home-" + language)
			w.turn("ask")
			w.fill(words["pay.amount"], "500")
			w.fill(words["pay.memo"], said.tea)
			w.press(words["next"])
			w.do(chromedp.WaitVisible("svg.code", chromedp.ByQuery))
			w.shown("ask-" + language)
			w.turn("history")
			w.see(said.baker)
			w.do(chromedp.Click(`main a[href*="receipt"]`, chromedp.ByQuery))
			w.see(words["proof.title"])
			w.shown("receipt-" + language)
			w.press(words["proof.check"])
			w.do(chromedp.WaitVisible("p.good", chromedp.ByQuery),
				chromedp.Evaluate(`scrollTo(0, document.body.scrollHeight)`, nil))
			w.shown("proof-" + language)
			w.clean()
		})
	}
}
