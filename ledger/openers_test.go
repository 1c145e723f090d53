package ledger_test

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// openers announces three, of whom two open.
func (w *town) openers(seed byte) *sim.Openers {
	o := w.NewOpeners(seed, 2, 3)
	w.Must(o.Announce(w.policySequence()))
	return o
}

// sealedPhone opens a purse with its owner's name sealed.
func (w *town) sealedPhone(o *sim.Openers, keyNumber uint32, name string) *ledger.Purse {
	t := w.opening(w.register("owner of "+name, 2), name, 0)
	t.Sealed = o.Seal(t, keyNumber, name)
	return w.model.Purse(token.RegisteredID(w.Must(t).ID()))
}

func (w *town) reads(o *sim.Openers, p *ledger.Purse, opening int, asker *sealed.Secret) (string, error) {
	seal, err := sealed.Decode(p.Sealed)
	if err != nil {
		w.t.Fatal(err)
	}
	return seal.Read(o.Key, asker, p.Openings[opening].Combined)
}

// A name is opened by two of three for a court's case, or for a conviction: each time it is counted, and only who asked
// reads it.
func TestANameIsOpenedForWhoAsked(t *testing.T) {
	w := newTown(t)
	w.Must(w.bonding(1000 * kzt))
	o := w.openers(1)
	p := w.sealedPhone(o, 1, "Aigul Serik 900101450012")
	court := ledger.CaseHash("7599-26-00-2/1")
	for i, openers := range [][]uint8{{1, 2}, {1, 3}, {2, 3}} {
		opening, asker := o.Open(p.ID, p.Sealed, uint32(i), court, openers...)
		w.Must(opening)
		if name, err := w.reads(o, p, i, asker); err != nil || name != "Aigul Serik 900101450012" {
			t.Errorf("openers %v: %q, %v", openers, name, err)
		}
		if i > 0 {
			if name, err := w.reads(o, p, i-1, asker); err == nil {
				t.Errorf("who asked for opening %d reads the one before: %q", i, name)
			}
		}
	}
	if book := w.model.PurseBook(); book.Openings != 3 || len(p.Openings) != 3 || p.Openings[0].Case != court ||
		p.Openings[0].TimeMillis == 0 {
		t.Errorf("%d openings are counted, %+v of the purse", book.Openings, p.Openings)
	}
}

// After the openers have changed, new names are sealed under the new key, and old ones opened by the old openers alone.
func TestOldSealsStayTheOldOpeners(t *testing.T) {
	w := newTown(t)
	w.Must(w.bonding(1000 * kzt))
	first := w.openers(1)
	old := w.sealedPhone(first, 1, "old")
	second := w.openers(2)
	p := w.sealedPhone(second, 2, "new")
	late := w.opening(w.register("late", 2), "late", 0)
	late.Sealed = first.Seal(late, 1, "late")
	w.expect(ledger.UnknownOpeners, late)
	court := token.Hash{1}
	for _, c := range []struct {
		of, by *sim.Openers
		p      *ledger.Purse
	}{{first, second, old}, {second, first, p}} {
		wrong, _ := c.by.Open(c.p.ID, c.p.Sealed, 0, court, 1, 2)
		w.expect(sealed.BadProof, wrong)
		right, asker := c.of.Open(c.p.ID, c.p.Sealed, 0, court, 1, 2)
		w.Must(right)
		if _, err := w.reads(c.of, c.p, 0, asker); err != nil {
			t.Error(err)
		}
	}
}

// Without the openers nobody opens, and nobody changes what they opened: whatever an attacker alters, it is refused.
func TestNobodyOpensWithoutTheOpeners(t *testing.T) {
	w := newTown(t)
	w.Must(w.bonding(1000 * kzt))
	o := w.openers(1)
	p, other := w.sealedPhone(o, 1, "victim"), w.sealedPhone(o, 1, "other")
	court := token.Hash{1}
	change := func(with func(*token.OpenName)) *token.OpenName {
		opening, _ := o.Open(p.ID, p.Sealed, 0, court, 1, 2)
		with(opening)
		return opening
	}
	mine, _ := o.Open(p.ID, p.Sealed, 0, court, 1, 2)
	for what, c := range map[string]struct {
		code token.Code
		with func(*token.OpenName)
	}{
		"another purse":      {sealed.BadProof, func(t *token.OpenName) { t.Purse = other.ID }},
		"another case":       {sealed.BadProof, func(t *token.OpenName) { t.Case[0]++ }},
		"another asker":      {sealed.BadProof, func(t *token.OpenName) { t.Asker, t.Proof = mine.Asker, mine.Proof }},
		"an asker of no key": {token.WeakKey, func(t *token.OpenName) { t.Asker = token.Hash{1} }},
		"one share":          {token.TooFew, func(t *token.OpenName) { t.Shares = t.Shares[:1] }},
		"a third share": {token.TooFew, func(t *token.OpenName) {
			t.Shares = append(t.Shares, token.NameShare{Opener: 3, Point: t.Shares[0].Point, Proof: t.Shares[0].Proof})
		}},
		"another's share":     {sealed.BadProof, func(t *token.OpenName) { t.Shares[1].Opener = 3 }},
		"an opener too many":  {token.OutOfRange, func(t *token.OpenName) { t.Shares[1].Opener = 4 }},
		"opener none":         {token.OutOfRange, func(t *token.OpenName) { t.Shares[0].Opener = 0 }},
		"a share of no point": {token.WeakKey, func(t *token.OpenName) { t.Shares[0].Point = token.Hash{} }},
		"a later opening":     {ledger.StaleVersion, func(t *token.OpenName) { t.Number = 1 }},
	} {
		t.Run(what, func(t *testing.T) { w.expect(c.code, change(c.with)) })
	}
	w.expect(ledger.NoCase, change(func(t *token.OpenName) { t.Case = token.Hash{} }))
	if book := w.model.PurseBook(); book.Openings != 0 || len(p.Openings) != 0 {
		t.Errorf("refused openings were counted: %d", book.Openings)
	}
	w.Must(mine)
	w.expect(ledger.StaleVersion, mine) // nor a second time
}

// A seal is one purse's: nobody puts another's name, or bytes that mean nothing, into an opening.
func TestASealIsOnePurses(t *testing.T) {
	w := newTown(t)
	w.Must(w.bonding(1000 * kzt))
	o := w.openers(1)
	p := w.sealedPhone(o, 1, "victim")
	crook := w.opening(w.register("crook", 2), "crook", 0)
	w.expect(ledger.NoSeal, crook)
	crook.Sealed = p.Sealed
	w.expect(sealed.BadProof, crook)
	crook.Sealed = bytes.Repeat([]byte{1}, 200)
	w.expect(token.WrongType, crook)
	crook.Sealed = o.Seal(crook, 2, "crook")
	w.expect(ledger.UnknownOpeners, crook)
	crook.Sealed = o.Seal(crook, 1, "crook")
	w.Must(crook)
}

var openersProvocations = map[token.Code]func(w *town, code token.Code){
	ledger.NoSeal: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p := w.phone("p", 10*kzt)
		o := w.openers(1)
		w.expect(code, w.opening(w.alice, "q", kzt))
		opening, _ := o.Open(p.id, w.seal(o), 0, token.Hash{1}, 1, 2)
		w.expect(code, opening)
	},
	ledger.UnknownOpeners: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		t := w.opening(w.alice, "q", kzt)
		t.Sealed = w.NewOpeners(1, 2, 3).Seal(t, 1, "alice")
		w.expect(code, t)
	},
	ledger.NoCase: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		o := w.openers(1)
		p := w.sealedPhone(o, 1, "p")
		opening, _ := o.Open(p.ID, p.Sealed, 0, token.Hash{}, 1, 2)
		w.expect(code, opening)
	},
	sealed.BadProof: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		o := w.openers(1)
		t := w.opening(w.alice, "q", kzt)
		t.Sealed = w.seal(o)
		w.expect(code, t)
		p := w.sealedPhone(o, 1, "p")
		for _, change := range []func(*token.OpenName){
			func(t *token.OpenName) { t.Case[0]++ },
			func(t *token.OpenName) { t.Shares[1].Proof[7]++ },
			func(t *token.OpenName) { t.Shares[1].Point = t.Shares[0].Point },
		} {
			opening, _ := o.Open(p.ID, p.Sealed, 0, token.Hash{1}, 1, 2)
			change(opening)
			w.expect(code, opening)
		}
	},
	token.WeakKey: func(w *town, code token.Code) {
		b := w.NewOpeners(1, 2, 3).Announce(w.policySequence())
		b.Commitments[1] = token.Hash{1}
		w.expect(code, b)
	},
	token.TooFew: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		o := w.openers(1)
		p := w.sealedPhone(o, 1, "p")
		opening, _ := o.Open(p.ID, p.Sealed, 0, token.Hash{1}, 3)
		w.expect(code, opening)
	},
}

// seal is one of some purse that does not come to be.
func (w *town) seal(o *sim.Openers) token.Octets {
	return o.Seal(w.opening(w.rich, "some", 0), 1, "some")
}
