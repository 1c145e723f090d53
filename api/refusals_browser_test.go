package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The first page shows beside payments what was refused, by day and code, as bars and as a table: to who may read
// everything all of it, to everybody else nothing of few wallets.
func TestRefusalsStandOnTheFirstPage(t *testing.T) {
	t.Parallel()
	d := newNodePage(t)
	day := func(before int) string { return time.Now().AddDate(0, 0, -before).UTC().Format(time.DateOnly) }
	wallets := make([]string, 10)
	for i := range wallets {
		wallets[i] = fmt.Sprintf("%q", fmt.Sprintf("%032x", i+1))
	}
	many := `"wallets":[` + strings.Join(wallets, ",") + `]`
	content := fmt.Sprintf(`{%q:{"limit-balance":{"count":41,%s},"expired":{"count":3,"wallets":[%s]}},
		%q:{"limit-balance":{"count":17,%s}}}`, day(3), many, wallets[0], day(2), many)
	for _, open := range []bool{false, true} {
		d.office.options.Open = open
		if err := os.WriteFile(filepath.Join(d.office.dir, "refusals.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		d.office.restart(t)
		d.show("/?measure=refusals")
		d.speak("en")
		d.see("This node counted what it refused itself")
		d.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil))
		table := d.text(`[role=region][aria-label=Refusals]`)
		for text, shown := range map[string]bool{"The payee may not hold so much": true, "17": true,
			"It came too late.\t3": open, "44": open, "of too few wallets": !open} {
			if strings.Contains(table, text) != shown {
				t.Errorf("open %v: %q is shown: %v\n%s", open, text, !shown, table)
			}
		}
		var bars int
		d.do(chromedp.Evaluate(`document.querySelectorAll("svg.bars rect").length`, &bars))
		if bars < 20 {
			t.Errorf("open %v: %d bars", open, bars)
		}
	}
	d.clean()
}
