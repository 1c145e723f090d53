package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
)

// An amount is digits alone, from 1 to 2⁶³−1, wherever the API takes one: anything else is refused with its field, and
// 2⁶³−1 is refused for what the wallet has and not for how it is written.
func TestTheAPIReadsAmountsAlike(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	path := "/v1/wallets/" + w.alice.String() + "/selections"
	for written, want := range map[string]string{ // any order
		"1e3": "", "1.0": "", "1.5": "", `"100"`: "", "true": "", "null": "", "[1]": "", "-1": "", "0": "",
		"9223372036854775808": "", "18446744073709551616": "", "1e400": "",
		"9223372036854775807": "insufficient-funds",
	} {
		status, _, answer := w.call(t, "POST", path, "application/json", "", fmt.Appendf(nil, `{"amount":%s}`, written))
		var p api.Problem
		if err := json.Unmarshal(answer, &p); err != nil {
			t.Fatalf("%s: %d %s", written, status, answer)
		}
		if want == "" && (status < 400 || status >= 500 || p.Field == "" || p.Code == "insufficient-funds") ||
			want != "" && p.Code != want {
			t.Errorf("POST %s with %s: %d %s", path, written, status, answer)
		}
	}
	for _, written := range []string{"1e3", "1.5", "-1", "9223372036854775808", "%EF%BC%91"} {
		path := "/v1/purposes/1/check?payee=" + w.bob.String() + "&amount=" + written
		if status, _, answer := w.call(t, "GET", path, "", "", nil); status < 400 || status >= 500 ||
			!strings.Contains(string(answer), "amount") {
			t.Errorf("GET %s: %d %s", path, status, answer)
		}
	}
}

// Every form of the wallet and the till refuses beside the field what is no amount, and reads the largest whole: what asks says what the wallet may hold.
func TestEveryFormReadsAmountsAlike(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	reference, _ := w.sold()
	forms := []struct {
		name, label, button string
		open                func()
		largest             string // what the page says of 2⁶³−1
	}{
		{"pay", "How much", "Look and confirm", func() { w.turn(""); w.turn("pay"); w.fill("To whom", w.bob.String()) }, "92,233,720,368,547,758.07"},
		{"ask", "How much", "Go on", func() { w.turn(""); w.turn("ask") }, "There is room for"},
		{"part", "How much goes back", "Go on", func() { w.turn(""); w.order(reference); w.openPart() }, "Of this payment 150.00"},
		{"compare", "How much", "Save", func() { w.turn(""); w.turn("safety") }, "From 92,233,720,368,547,758.07"},
		{"till", "How much", "Show the code", func() { w.turn(""); w.turn("till") }, "There is room for"},
	}
	for _, f := range forms {
		f.open()
		for _, typed := range []string{"1e3", "0x10", "-1", "1.001", "0", "92233720368547758.08", "9223372036854775808", "１"} {
			w.fill(f.label, typed)
			w.press(f.button)
			w.do(chromedp.Poll(fmt.Sprintf(`(() => { const e = document.querySelector("main input[aria-invalid=true]"); return e !== null && e.value === %q })()`, typed), nil, often))
		}
		w.fill(f.label, "92233720368547758.07")
		w.press(f.button)
		w.see(f.largest)
	}
	w.clean()
}
