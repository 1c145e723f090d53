package contract

import (
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// In however many credit notes a sale comes back, the VAT that comes back is that of the net that does, to the tiyn, and
// neither is more than what was sold.
func TestCreditNotesReturnTheVATOfWhatComesBack(t *testing.T) {
	p := template(t, "vat-sale")
	rapid.Check(t, func(t *rapid.T) {
		net, rate := rapid.Int64Range(1, 1_000_000).Draw(t, "net"), rapid.Int64Range(1, 100).Draw(t, "rate")
		invoice := sha256.Sum256([]byte("invoice"))
		parties := []token.WalletID{named("buyer"), named("seller")}
		buyer, seller := Party{ID: parties[0]}, Party{ID: parties[1], Attributes: token.Attributes{Role: "vat-payer"}}
		people := []*Party{&buyer, &seller}
		call := func(caller *Party, paid ...money.Tiyn) *Call {
			return &Call{Caller: caller, Party: func(i int) *Party { return people[i] }, Now: start, Paid: paid, Held: []money.Tiyn{0, 0}, Document: invoice[:],
				Purpose: func(i int) string { return []string{Plain, "revenue/VAT"}[i] }}
		}
		instance := Instance{ID: named("sale"), Parties: parties, Assets: []uint32{0, 1}, CreatedMillis: start,
			Terms: []token.Value{token.Int(net), token.Int(rate), token.Bytes(invoice[:]), token.Int(10), token.Int(30)}}
		if err := p.Create(&instance, call(&seller, 0, 0)); err != nil {
			t.Fatal(err)
		}
		act := func(c *Call, action string, args ...token.Value) (*Outcome, *token.Error) {
			c.Action, _ = p.Definition.Action(action)
			c.Args = append([]token.Value{}, args...)
			out, err := p.Act(&instance, c)
			if err == nil {
				copy(instance.State, out.State)
			}
			return out, err
		}
		vat := net * rate / 100
		if _, err := act(call(&seller, 1, 0), "credit", token.Int(1)); code(err) == "" {
			t.Fatal("a credit note before the sale")
		}
		if _, err := act(call(&buyer, money.Tiyn(net+vat), 0), "pay"); err != nil {
			t.Fatal(err)
		}
		returned, returnedVAT := int64(0), int64(0)
		for range rapid.IntRange(1, 6).Draw(t, "notes") {
			part := rapid.Int64Range(1, net+1).Draw(t, "part")
			due := (returned+part)*rate/100 - returned*rate/100
			out, err := act(call(&seller, money.Tiyn(part), money.Tiyn(due)), "credit", token.Int(part))
			if part > net-returned {
				if err == nil {
					t.Fatalf("%d of %d came back already, and %d more does", returned, net, part)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			returned += part
			for _, pay := range out.Payouts {
				if pay.Party != 0 {
					t.Fatalf("a credit note pays %+v", pay)
				}
				if pay.Asset == 1 {
					returnedVAT += int64(pay.Amount)
				}
			}
			if returnedVAT != returned*rate/100 || returnedVAT > vat {
				t.Fatalf("of %d at %d %% comes back a VAT of %d", returned, rate, returnedVAT)
			}
		}
	})
}
