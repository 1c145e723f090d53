package programcmd

import "testing"

// An order is paid for what its buyer accepts, less what the arbiter takes off and what is retained; who is not asked decides
// nothing, no decision goes below nothing or beyond the price, and its money is always somebody's.
func TestAnOrderOnALedger(t *testing.T) {
	b := newBudget(t)
	b.Done("contract", "register", "order", "--bank", "Halyk")
	note := b.file("note.txt", "two pumps")
	open := []string{"order", "open", "pumps", "--buyer", "treasury", "--seller", "toyshop", "--subcontractor", "canteen",
		"--arbiter", "school"}
	for word, flags := range map[string][]string{
		"price":        {},
		"--price":      {"--price", "many"},
		"--milestones": {"--price", "0"},
		"want 1 to":    {"--price", "10", "--milestones", "0"},
		"1 to 100":     {"--price", "10", "--milestones", "101"},
		"--due":        {"--price", "10", "--due", "soon"},
		"--every":      {"--price", "10", "--every", "often"},
		"--inspect":    {"--price", "10", "--inspect", "x"},
	} {
		b.Wrong(word, append(open, flags...)...)
	}
	for _, flags := range [][]string{{"--share", "1001"}, {"--retention", "-1"}, {"--penalty-most", "2000"}} {
		if e := b.Run(append(append(open, "--price", "10"), flags...)...); e.Exit != 3 {
			t.Errorf("%v: exit %d, %s%s", flags, e.Exit, e.Out, e.Err)
		}
	}
	if have := b.balance("treasury"); have != 10_000_000 {
		t.Fatalf("what was refused has paid: %s", have.Format())
	}
	b.Done(append(open, "--price", "1000", "--milestones", "2", "--share", "250", "--retention", "100")...)
	if have := b.balance("treasury"); have != 9_800_000 {
		t.Errorf("the price is in the contract, and %s left", have.Format())
	}
	b.Wrong("document", "order", "deliver", "pumps", "--by", "toyshop")
	b.Refused("guard-not-met", "order", "accept", "pumps", "--by", "treasury") // of nothing
	b.Refused("wrong-caller", "order", "deliver", "pumps", "--by", "canteen", "--document", note)
	b.Done("order", "deliver", "pumps", "--by", "toyshop", "--document", note)
	b.Refused("wrong-caller", "order", "accept", "pumps", "--by", "toyshop")
	b.Done("order", "accept", "pumps", "--by", "treasury")
	if seller, sub := b.balance("toyshop"), b.balance("canteen"); seller != 67_500 || sub != 22_500 {
		t.Errorf("of 1000, a tenth retained, a quarter shared: %s and %s", seller.Format(), sub.Format())
	}
	b.Done("order", "deliver", "pumps", "--by", "toyshop", "--document", note)
	b.Done("order", "dispute", "pumps", "--by", "treasury", "--document", note)
	b.Wrong("many", "order", "decide", "pumps", "many", "--by", "school")
	b.Refused("guard-not-met", "order", "decide", "pumps", "1000.01", "--by", "school")
	b.Refused("wrong-caller", "order", "decide", "pumps", "1000", "--by", "treasury")
	b.Done("order", "decide", "pumps", "400", "--by", "school")
	b.Done("order", "collect", "pumps", "--by", "toyshop")
	b.Refused("too-early", "order", "cancel", "pumps", "--by", "treasury")
	sum := b.balance("treasury") + b.balance("toyshop") + b.balance("canteen")
	if paid := b.balance("toyshop") + b.balance("canteen"); paid <= 90_000 || paid >= 180_000 || sum > 10_000_000 {
		t.Errorf("%s paid, %s in all", paid.Format(), sum.Format())
	}
	b.Done("order", "show", "pumps").Wants(t, 0, "holds")
}
