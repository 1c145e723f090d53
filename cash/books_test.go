package cash

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// bench is an office without I/O: the rules, and a purse that holds the notes it gave.
type bench struct {
	books  *Books
	now    uint64
	seed   *rand.ChaCha8
	serial uint64
	notes  []Proof
	spent  []Proof
	events []*Event
	memos  int
	ledger money.Tiyn // the reserve wallet
}

func scalarOf(t interface{ Fatal(...any) }, text string) curve.Scalar {
	sum := sha256.Sum256([]byte(text))
	s, err := curve.ParseScalar(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newBench(t interface{ Fatal(...any) }, amounts []money.Tiyn) *bench {
	b := &bench{books: NewBooks(), now: 1000, seed: rand.NewChaCha8([32]byte{1})}
	for set := range 2 {
		b.books.Add(newSigning(t, fmt.Sprint("set", set), amounts, 0, 5000*uint64(set+1), 20_000))
	}
	return b
}

func newSigning(t interface{ Fatal(...any) }, name string, amounts []money.Tiyn, from, until, expiry uint64) *Signing {
	s := new(Signing)
	var keys []curve.Point
	for _, amount := range amounts {
		k := scalarOf(t, fmt.Sprint(name, amount))
		s.Signers = append(s.Signers, curve.NewSigner(k))
		keys = append(keys, curve.PublicKey(k))
	}
	set, err := NewKeyset(Unit, amounts, keys, from, until, expiry)
	if err != nil {
		t.Fatal(err)
	}
	s.Keyset = set
	return s
}

func (b *bench) checker() Checker { return Checker{Keys: b.books.Keys, Now: b.now} }

// blank makes outputs for amounts, and remembers how to unblind them.
type draft struct {
	secret string
	r      curve.Scalar
}

func (b *bench) outputs(t interface{ Fatal(...any) }, set int, amounts []money.Tiyn) (outs []Output, drafts []draft) {
	for _, amount := range amounts {
		b.serial++
		secret := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, b.serial))
		r := scalarOf(t, secret)
		outs = append(outs, Output{Amount(amount), b.books.Keys[set].ID.String(), HexPoint(curve.Blind(curve.HashToCurve([]byte(secret)), r))})
		drafts = append(drafts, draft{secret, r})
	}
	return outs, drafts
}

func (b *bench) take(set int, signed []Signed, drafts []draft) {
	for i, s := range signed {
		keyset := b.books.Keys[s.Keyset]
		c := curve.Unblind(s.C, drafts[i].r, keyset.Keys[s.Index])
		b.notes = append(b.notes, Proof{Amount: Amount(s.Amount), ID: keyset.ID.String(), Secret: drafts[i].secret, C: HexPoint(c)})
	}
}

func (b *bench) apply(t interface{ Fatal(...any) }, e *Event) {
	b.events = append(b.events, e)
	if err := b.books.Apply(e); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) swap(t interface{ Fatal(...any) }, proofs []Proof, outs []Output) ([]Signed, *Refusal) {
	in, blinded, err := b.checker().Swap(proofs, outs)
	if err != nil {
		return nil, err
	}
	if err := b.books.Keys.ValidInputs(in, b.seed); err != nil {
		return nil, err
	}
	signed, wrong := b.books.Keys.Sign(blinded, b.seed)
	if wrong != nil {
		t.Fatal(wrong)
	}
	e, err := b.books.DecideSwap(nil, in, signed, b.now)
	if err != nil {
		return nil, err
	}
	b.apply(t, e)
	return signed, nil
}

// buy pays a quote and mints it.
func (b *bench) buy(t interface{ Fatal(...any) }, amount, paid money.Tiyn) *Refusal {
	b.memos++
	id := fmt.Sprint("quote", b.memos)
	e, err := b.books.DecideMintQuote(Mint{ID: id, Memo: fmt.Sprint("memo", b.memos), Amount: amount, Expiry: b.now + 100}, 1<<40, b.now)
	if err != nil {
		return err
	}
	b.apply(t, e)
	b.pay(t, fmt.Sprint("memo", b.memos), paid)
	set := 1
	outs, drafts := b.outputs(t, set, Split(amount, b.books.Keys[set].Amounts, MaxArray))
	blinded, _, err := b.checker().Outputs(outs, false)
	if err != nil {
		return err
	}
	signed, wrong := b.books.Keys.Sign(blinded, b.seed)
	if wrong != nil {
		t.Fatal(wrong)
	}
	e, err = b.books.DecideMint(nil, []string{id}, []string{""}, outs, signed, b.now)
	if err != nil {
		return err
	}
	b.apply(t, e)
	b.take(set, signed, drafts)
	return nil
}

func (b *bench) pay(t interface{ Fatal(...any) }, memo string, amount money.Tiyn) {
	if amount == 0 {
		return
	}
	b.ledger += amount
	if e := b.books.DecideCredit(Credit{ID: fmt.Sprint("tx", b.serial, memo, b.ledger), Index: b.books.Cursor, From: "payer", Amount: amount, Memo: memo}, b.now); e != nil {
		b.apply(t, e)
	}
}

// melt begins a payment, and says its quote.
func (b *bench) melt(t interface{ Fatal(...any) }, proofs []Proof, amount money.Tiyn) (string, []draft, *Refusal) {
	b.memos++
	id := fmt.Sprint("melt", b.memos)
	e, err := b.books.DecideMeltQuote(Melt{ID: id, To: "payee", Amount: amount, Expiry: b.now + 100}, 1<<40, b.now)
	if err != nil {
		return "", nil, err
	}
	b.apply(t, e)
	outs, drafts := b.outputs(t, 1, make([]money.Tiyn, 10))
	in, total, err := b.checker().Inputs(proofs, func() []byte { return MessageOf(proofs, outs, id) })
	if err != nil {
		return "", nil, err
	}
	if total < amount {
		return "", nil, refuse(Unbalanced, "inputs", "too few")
	}
	if err := b.books.Keys.ValidInputs(in, b.seed); err != nil {
		return "", nil, err
	}
	blanks, err := b.checker().Blanks(outs, total-amount)
	if err != nil {
		return "", nil, err
	}
	if err := b.books.Meltable(id, in, blanks, b.now); err != nil {
		return "", nil, err
	}
	b.books.Hold(id, in, blanks)
	change, wrong := b.books.Keys.Sign(blanks, b.seed)
	if wrong != nil {
		t.Fatal(wrong)
	}
	b.apply(t, b.books.DecideMelt(nil, id, Payment{ID: "tx" + id, To: "payee", Amount: amount}, in, change, b.now))
	b.take(1, change, drafts) // good only if it is paid; see settle
	return id, drafts, nil
}

// digest is all that books hold, as text: what a refusal may not change.
func (b *Books) digest() string {
	var nullifiers []string
	for i, s := range b.shelves {
		nullifiers = append(nullifiers, fmt.Sprintf("spent %d %x", i, s.spent.records()), fmt.Sprintf("signed %d %x", i, s.signed.records()))
		nullifiers = append(nullifiers, fmt.Sprint(s.tally))
	}
	for m, q := range b.pending {
		nullifiers = append(nullifiers, fmt.Sprint("pending", m, q))
	}
	for m, q := range b.held {
		nullifiers = append(nullifiers, fmt.Sprint("held", m, q))
	}
	for id, m := range b.mints {
		nullifiers = append(nullifiers, fmt.Sprint("mint", id, *m))
	}
	for id, m := range b.melts {
		copied := *m
		copied.Payment = nil
		nullifiers = append(nullifiers, fmt.Sprint("melt", id, copied, m.Payment != nil))
	}
	for ref, back := range b.backs {
		nullifiers = append(nullifiers, fmt.Sprint("back", ref, back.To, back.Amount, back.Payment != nil))
	}
	slices.Sort(nullifiers)
	return fmt.Sprint(nullifiers, b.Reserve, b.Cursor, b.Blocks)
}

// Random histories: after every step the reserve's equation holds in three ways, no note is spent twice, refusals
// change nothing; and the events applied again give the same books.
func TestBooksInRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := []money.Tiyn{1, 2, 5, 10, 20, 50, 100}
		b := newBench(t, amounts)
		var waiting []string
		pendingNotes := map[string][]Proof{}
		check := func(what string) {
			r := b.books.Reserve
			if !r.Holds() || r.Balance() != b.ledger || r.Circulating() != b.books.Outstanding() {
				t.Fatalf("%s: reserve %+v, wallet %d, outstanding %d", what, r, b.ledger, b.books.Outstanding())
			}
		}
		pick := func(n int) (picked []Proof, total money.Tiyn) {
			for range min(n, len(b.notes)) {
				i := rapid.IntRange(0, len(b.notes)-1).Draw(t, "note")
				picked = append(picked, b.notes[i])
				total += money.Tiyn(b.notes[i].Amount)
				b.notes = slices.Delete(b.notes, i, i+1)
			}
			return picked, total
		}
		for range rapid.IntRange(5, 40).Draw(t, "steps") {
			switch action := rapid.IntRange(0, 7).Draw(t, "action"); action {
			case 0: // paid in full, too much, too little, twice
				amount := money.Tiyn(rapid.IntRange(1, 400).Draw(t, "amount"))
				paid := amount + money.Tiyn(rapid.IntRange(-5, 5).Draw(t, "off"))
				before := len(b.notes)
				err := b.buy(t, amount, max(paid, 0))
				if (err == nil) != (paid >= amount) || err != nil && (err.Code != QuoteUnpaid || len(b.notes) != before) {
					t.Fatalf("%d paid for %d: %v", paid, amount, err)
				}
				check("buy")
			case 1:
				notes, total := pick(rapid.IntRange(1, 4).Draw(t, "n"))
				if len(notes) == 0 {
					continue
				}
				outs, drafts := b.outputs(t, 1, Split(total, amounts, MaxArray))
				signed, err := b.swap(t, notes, outs)
				if err != nil {
					t.Fatal(err)
				}
				b.take(1, signed, drafts)
				b.spent = append(b.spent, notes...)
				check("swap")
			case 2, 3: // what is spent or pending, again; beside a good one
				var again Proof
				want := Spent
				if action == 2 && len(b.spent) > 0 {
					again = b.spent[rapid.IntRange(0, len(b.spent)-1).Draw(t, "spent")]
				} else if len(waiting) > 0 {
					again, want = pendingNotes[waiting[0]][0], Pending
				} else {
					continue
				}
				before := b.books.digest()
				outs, _ := b.outputs(t, 1, Split(money.Tiyn(again.Amount), amounts, MaxArray))
				_, err := b.swap(t, []Proof{again}, outs)
				_, _, err2 := b.checker().Swap([]Proof{again, again}, append(slices.Clone(outs), outs...))
				if err == nil || err.Code != want || err2 == nil || err2.Code != DuplicateInput || b.books.digest() != before {
					t.Fatalf("again: %v, %v", err, err2)
				}
			case 4:
				notes, total := pick(3)
				if total < 2 {
					b.notes = append(b.notes, notes...)
					continue
				}
				had := len(b.notes)
				id, _, err := b.melt(t, notes, total/2+1)
				if err != nil {
					b.notes = append(b.notes, notes...)
					if err.Code != Unbalanced {
						t.Fatal(err)
					}
					continue
				}
				change := slices.Clone(b.notes[had:])
				b.notes = b.notes[:had]
				waiting = append(waiting, id)
				pendingNotes[id] = append(notes, change...)
				pendingNotes[id+"n"] = notes
				check("melt")
			case 5, 6:
				if len(waiting) == 0 {
					continue
				}
				id := waiting[0]
				waiting = waiting[1:]
				m, _ := b.books.Melt(id)
				notes := pendingNotes[id+"n"]
				if action == 5 {
					b.apply(t, b.books.DecideMeltPaid(id, b.now))
					b.ledger -= m.Amount
					b.spent = append(b.spent, notes...)
					b.notes = append(b.notes, pendingNotes[id][len(notes):]...)
				} else {
					b.apply(t, b.books.DecideMeltLapsed(id, b.now))
					b.notes = append(b.notes, notes...)
				}
				if b.books.DecideMeltPaid(id, b.now) != nil || b.books.DecideMeltLapsed(id, b.now) != nil {
					t.Fatal("a melt ended twice")
				}
				check("settled")
			case 7: // money back, and the clock
				b.now += 60
				for _, back := range b.books.Due() {
					b.apply(t, b.books.DecideBack(BackBegun, back.Ref, &Payment{ID: "b", Amount: back.Amount}, b.now))
					b.apply(t, b.books.DecideBack(BackLapsed, back.Ref, nil, b.now))
					b.apply(t, b.books.DecideBack(BackBegun, back.Ref, &Payment{ID: "b", Amount: back.Amount}, b.now))
					check("back begun")
					b.apply(t, b.books.DecideBack(BackPaid, back.Ref, nil, b.now))
					b.ledger -= back.Amount
					check("back")
				}
				if e := b.books.DecideLapse(b.now); e != nil {
					b.apply(t, e)
					check("lapse")
				}
			}
		}
		again := NewBooks()
		for _, k := range b.books.Keys {
			again.Add(k)
		}
		for _, e := range b.events {
			if err := again.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		if again.digest() != b.books.digest() {
			t.Fatal("the events give other books")
		}
		loaded := NewBooks()
		for _, k := range b.books.Keys {
			loaded.Add(k)
		}
		shot := b.books.Snapshot(0)
		shot.Sort()
		if err := loaded.Load(shot); err != nil {
			t.Fatal(err)
		}
		if loaded.digest() != b.books.digest() {
			t.Fatalf("a snapshot gives other books:\n%s\n%s", loaded.digest(), b.books.digest())
		}
	})
}

// Every refusal of a swap by its code, with the books as they were.
func TestRefusedSwaps(t *testing.T) {
	b := newBench(t, []money.Tiyn{1, 2, 5, 1 << 62})
	if err := b.buy(t, 8, 8); err != nil {
		t.Fatal(err)
	}
	good := b.notes
	id := b.books.Keys[1].ID.String()
	outs, _ := b.outputs(t, 1, []money.Tiyn{1, 2, 5})
	forged := slices.Clone(good)
	forged[0].C = good[1].C
	with := func(change func(in []Proof, out []Output)) ([]Proof, []Output) {
		in, out := slices.Clone(good), slices.Clone(outs)
		change(in, out)
		return in, out
	}
	for name, test := range map[string]struct {
		code   Code
		change func(in []Proof, out []Output)
	}{
		"forged":                    {BadProof, func(in []Proof, _ []Output) { in[0].C = good[1].C }},
		"point of another note":     {BadProof, func(in []Proof, _ []Output) { in[0].Secret = "other" }},
		"not on the curve":          {Malformed, func(in []Proof, _ []Output) { in[0].C = "02" + fmt.Sprintf("%064x", 5) }},
		"infinity":                  {Malformed, func(in []Proof, _ []Output) { in[0].C = "00" }},
		"uncompressed":              {Malformed, func(_ []Proof, out []Output) { out[0].B = "04" + fmt.Sprintf("%0128x", 1) }},
		"capitals":                  {Malformed, func(_ []Proof, out []Output) { out[0].B = "02" + fmt.Sprintf("%064X", 0xABCDEF) }},
		"no denomination":           {AmountLimits, func(in []Proof, _ []Output) { in[0].Amount = 3 }},
		"zero":                      {AmountLimits, func(_ []Proof, out []Output) { out[0].Amount = 0 }},
		"another denomination":      {BadProof, func(in []Proof, out []Output) { in[0].Amount, out[0].Amount = 5, 5 }},
		"unbalanced":                {Unbalanced, func(_ []Proof, out []Output) { out[0].Amount = 2 }},
		"sum overflows":             {AmountLimits, func(_ []Proof, out []Output) { out[0].Amount, out[1].Amount, out[2].Amount = 1<<62, 1<<62, 1<<62 }},
		"secret twice":              {DuplicateInput, func(in []Proof, _ []Output) { in[1] = in[0] }},
		"output twice":              {DuplicateOutput, func(_ []Proof, out []Output) { out[1].B = out[0].B }},
		"unknown keyset":            {UnknownKeyset, func(in []Proof, _ []Output) { in[0].ID = "01" + fmt.Sprintf("%064x", 7) }},
		"id of a legacy keyset":     {UnknownKeyset, func(in []Proof, _ []Output) { in[0].ID = "009a1f293253e41e" }},
		"id in capitals":            {UnknownKeyset, func(in []Proof, _ []Output) { in[0].ID = fmt.Sprintf("%X", b.books.Keys[1].ID[:]) }},
		"long secret":               {Malformed, func(in []Proof, _ []Output) { in[0].Secret = fmt.Sprintf("%01025d", 1) }},
		"long witness":              {Malformed, func(in []Proof, _ []Output) { in[0].Witness = fmt.Sprintf("%01025d", 1) }},
		"empty secret":              {Malformed, func(in []Proof, _ []Output) { in[0].Secret = "" }},
		"unspendable condition":     {BadProof, func(in []Proof, _ []Output) { in[0].Secret = `["P2PK",{}]` }},
		"output that was signed":    {OutputSigned, func(_ []Proof, out []Output) { out[0].B = signedOutput(t, b, id) }},
		"keyset of another scheme":  {UnknownKeyset, func(_ []Proof, out []Output) { out[0].ID = "02" + id[2:] }},
		"negative after conversion": {AmountLimits, func(in []Proof, _ []Output) { in[0].Amount = -1 }},
	} {
		in, out := with(test.change)
		before := b.books.digest()
		_, err := b.swap(t, in, out)
		if err == nil || err.Code != test.code || err.Field == "" {
			t.Errorf("%s: %v, want %d", name, err, test.code)
		}
		if b.books.digest() != before {
			t.Errorf("%s changed the books", name)
		}
	}
	if _, _, err := b.checker().Swap(nil, outs); err == nil || err.Code != Malformed {
		t.Error(err)
	}
	if _, _, err := b.checker().Swap(make([]Proof, MaxArray+1), outs); err == nil || err.Code != TooManyInputs {
		t.Error(err)
	}
	if _, _, err := b.checker().Swap(good, make([]Output, MaxArray+1)); err == nil || err.Code != TooManyOutputs {
		t.Error(err)
	}
	b.now = 10_000 // keyset 1 has stopped signing, and is still redeemed
	if _, err := b.swap(t, good, outs); err == nil || err.Code != InactiveKeyset {
		t.Error(err)
	}
	b.now = 20_000
	if _, err := b.swap(t, good, outs); err == nil || err.Code != ExpiredKeyset {
		t.Error(err)
	}
	b.now = 1000
	if _, err := b.swap(t, good, outs); err != nil {
		t.Error(err)
	}
}

// signedOutput gives an output that was signed before.
func signedOutput(t *testing.T, b *bench, id string) string {
	raw := b.events[slices.IndexFunc(b.events, func(e *Event) bool { return e.Kind == Minted })].Given[0].B
	return hex.EncodeToString(raw[:])
}

// Restoring signs again, the same bit for bit.
func TestSigningAgainGivesTheSame(t *testing.T) {
	b := newBench(t, OneTwoFive())
	outs, _ := b.outputs(t, 0, []money.Tiyn{1, 2_000_000})
	blinded, _, err := b.checker().Outputs(outs, false)
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := b.books.Keys.Sign(blinded, b.seed)
	two, err2 := b.books.Keys.Sign(blinded, bytes.NewReader(bytes.Repeat([]byte{5}, 1<<12)))
	if err1 != nil || err2 != nil || fmt.Sprint(one) != fmt.Sprint(two) {
		t.Error(err1, err2)
	}
}

func TestBodiesAreReadStrictly(t *testing.T) {
	type request struct {
		Inputs []Proof `json:"inputs"`
	}
	for body, code := range map[string]Code{
		`{"inputs":[{"amount":1.5}]}`:                 AmountLimits,
		`{"inputs":[{"amount":-1}]}`:                  AmountLimits,
		`{"inputs":[{"amount":1e3}]}`:                 AmountLimits,
		`{"inputs":[{"amount":"1"}]}`:                 AmountLimits,
		`{"inputs":[{"amount":9223372036854775808}]}`: AmountLimits,
		`{"inputs":[{"amount":1,"amount":2}]}`:        Malformed,
		`{"inputs":{}}`:                               Malformed,
		`{"inputs":[{"secret":5}]}`:                   Malformed,
		"{\"inputs\":[{\"secret\":\"\xff\"}]}":        Malformed,
		`{`:                                           Malformed,
		`{"inputs":[]} x`:                             Malformed,
	} {
		var r request
		err := Decode([]byte(body), &r)
		refused, is := err.(*Refusal)
		if !is || refused.Code != code || refused.Field == "" {
			t.Errorf("%s: %v", body, err)
		}
	}
	var r request
	if err := Decode([]byte(`{"inputs":[{"amount":1,"witness":{"signatures":["a"]},"extra":1},{"witness":"{}"},{"witness":null}]}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.Inputs[0].Witness != `{"signatures":["a"]}` || r.Inputs[1].Witness != "{}" || r.Inputs[2].Witness != "" {
		t.Errorf("%+v", r.Inputs)
	}
}

func FuzzSecretsAndBodies(f *testing.F) {
	f.Add([]byte(`["P2PK",{"nonce":"1","data":"02","tags":[["sigflag","SIG_ALL"]]}]`))
	f.Add([]byte(`{"inputs":[{"amount":1,"id":"01","secret":"s","C":"02"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCondition(string(text))
		if c != nil && (err != nil || c.needs > len(c.keys) || c.refunds > len(c.refund)) {
			t.Fatal(c, err)
		}
		var r struct {
			Inputs []Proof `json:"inputs"`
		}
		if err := Decode(text, &r); err != nil {
			if _, is := err.(*Refusal); !is {
				t.Fatalf("%T", err)
			}
		}
	})
}
