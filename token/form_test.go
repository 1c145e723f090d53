package token_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// A body is refused under the same code when it is made and when its bytes are decoded.

func wallet(n byte) (id token.WalletID) { id[0] = n; return id }
func id(n byte) (id token.ID)           { id[0] = n; return id }

func wallets(n int) (list []token.WalletID) {
	for i := range n {
		list = append(list, token.WalletID{byte(i >> 8), byte(i)})
	}
	return list
}

func ids(n int) (list []token.ID) {
	for i := range n {
		list = append(list, token.ID{byte(i >> 8), byte(i)})
	}
	return list
}

var key = keyNamed("form").Public()

func payment(change func(b *token.Transfer)) *token.Transfer {
	b := &token.Transfer{Parties: wallets(2), Payers: 1, Inputs: ids(1), Outputs: []token.Output{{Party: 1, Amount: 5}, {Party: 0, Amount: 7}}}
	change(b)
	return b
}

func keysOf(n int) token.KeySet {
	s := token.KeySet{Threshold: 1}
	for i := range n {
		s.Keys = append(s.Keys, keyNamed(string(rune('A'+i))).Public())
	}
	return s
}

func policyWith(change func(p *token.Policy)) *token.SetPolicy {
	p := token.Policy{Tiers: []token.Tier{{Name: "all"}}, LeastToken: 1, MaxInputs: 8, MaxOutputs: 8, ValidAheadMillis: 1000, RekeyDelayMillis: 1000, SnapshotEvery: 1}
	change(&p)
	return &token.SetPolicy{Sequence: 1, Policy: p}
}

var weak = token.PublicKey{1, 1} // the neutral element

var refusedBodies = []struct {
	name  string
	body  token.Body
	code  token.Code
	field string
}{
	{"no parties", payment(func(b *token.Transfer) { b.Parties = nil }), token.TooFew, "parties"},
	{"no inputs", payment(func(b *token.Transfer) { b.Inputs = nil }), token.TooFew, "inputs"},
	{"no outputs", payment(func(b *token.Transfer) { b.Outputs = nil }), token.TooFew, "outputs"},
	{"too many inputs", payment(func(b *token.Transfer) { b.Inputs = ids(token.MaxInputs + 1) }), token.TooMany, "inputs"},
	{"no payer", payment(func(b *token.Transfer) { b.Payers = 0 }), token.OutOfRange, "payers"},
	{"more payers than parties", payment(func(b *token.Transfer) { b.Payers = 3 }), token.OutOfRange, "payers"},
	{"a party twice", payment(func(b *token.Transfer) { b.Parties[1] = b.Parties[0] }), token.Repeated, "parties"},
	{"an input twice", payment(func(b *token.Transfer) { b.Inputs = []token.ID{id(1), id(1)} }), token.Repeated, "inputs"},
	{"an input twice among many", payment(func(b *token.Transfer) { b.Inputs = append(ids(40), ids(1)...) }), token.Repeated, "inputs"},
	{"no such party", payment(func(b *token.Transfer) { b.Outputs[0].Party = 2 }), token.OutOfRange, "outputs.party"},
	{"nothing for the payee", payment(func(b *token.Transfer) { b.Outputs = b.Outputs[1:] }), token.Unused, "parties"},
	{"zero", payment(func(b *token.Transfer) { b.Outputs[0].Amount = 0 }), token.AmountZero, "outputs.amount"},
	{"negative", payment(func(b *token.Transfer) { b.Outputs[0].Amount = -1 }), token.AmountNegative, "outputs.amount"},
	{"sum over 63 bits", payment(func(b *token.Transfer) { b.Outputs[0].Amount = 1<<63 - 1 }), token.AmountOverflow, "outputs.amount"},
	{"unit of no currency", payment(func(b *token.Transfer) { b.Outputs[0].Asset.Unit = 1000 }), token.OutOfRange, "outputs.asset.unit"},
	{"memo of no scheme", payment(func(b *token.Transfer) { b.Memo = token.Memo{Scheme: 4, Bytes: []byte("x")} }), token.UnknownKind, "memo"},
	{"memo without scheme", payment(func(b *token.Transfer) { b.Memo.Bytes = []byte("x") }), token.OutOfRange, "memo"},
	{"memo too long", payment(func(b *token.Transfer) { b.Memo = token.Plain(strings.Repeat("x", 257)) }), token.OutOfRange, "memo"},
	{"memo no UTF-8", payment(func(b *token.Transfer) { b.Memo = token.Plain("\xff") }), token.OutOfRange, "memo"},
	{"empty plain memo", payment(func(b *token.Transfer) { b.Memo = token.Memo{Scheme: token.PlainMemo} }), token.OutOfRange, "memo"},
	{"encrypted memo too long", payment(func(b *token.Transfer) { b.Memo = token.Memo{Scheme: token.EncryptedMemo, Bytes: make([]byte, 513)} }), token.OutOfRange, "memo"},
	{"hash of 31 bytes", payment(func(b *token.Transfer) { b.Memo = token.Memo{Scheme: token.HashedMemo, Bytes: make([]byte, 31)} }), token.OutOfRange, "memo"},
	{"issue nothing", &token.Issue{To: wallet(1)}, token.TooFew, "amounts"},
	{"issue zero", &token.Issue{To: wallet(1), Amounts: []money.Tiyn{1, 0}}, token.AmountZero, "amounts"},
	{"issue too much", &token.Issue{To: wallet(1), Amounts: []money.Tiyn{1<<63 - 1, 1}}, token.AmountOverflow, "amounts"},
	{"sequence over 63 bits", &token.Issue{Sequence: 1 << 63, To: wallet(1), Amounts: []money.Tiyn{1}}, token.OutOfRange, "sequence"},
	{"redeem nothing", &token.Redeem{Inputs: ids(1)}, token.AmountZero, "amount"},
	{"redeem with negative change", &token.Redeem{Inputs: ids(1), Amount: 1, Change: -1}, token.AmountNegative, "change"},
	{"redeem over 63 bits", &token.Redeem{Inputs: ids(1), Amount: 1<<63 - 1, Change: 1}, token.AmountOverflow, "change"},
	{"seize without a case", &token.Seize{Inputs: ids(1), Amount: 1}, token.OutOfRange, "case"},
	{"register without a key", &token.Register{}, token.UnknownKind, "key"},
	{"register a weak key", &token.Register{Key: weak}, token.WeakKey, "key"},
	{"register a weak recovery key", &token.Register{Key: key, Recovery: weak}, token.WeakKey, "recovery"},
	{"register a key off the curve", &token.Register{Key: token.PublicKey{1, 2}}, token.WeakKey, "key"},
	{"recovery by the same key", &token.Register{Key: key, Recovery: key}, token.Repeated, "recovery"},
	{"recovery key of no algorithm", &token.Register{Key: key, Recovery: token.PublicKey{9, 1}}, token.UnknownKind, "recovery"},
	{"category", &token.Register{Key: key, Attributes: token.Attributes{Category: 10_000}}, token.OutOfRange, "attributes.category"},
	{"region", &token.Register{Key: key, Attributes: token.Attributes{Region: "kz"}}, token.OutOfRange, "attributes.region"},
	{"role", &token.Update{Attributes: token.Attributes{Role: "Person"}}, token.OutOfRange, "attributes.role"},
	{"version over 63 bits", &token.CancelRekey{Version: 1 << 63}, token.OutOfRange, "version"},
	{"re-key by nobody", &token.Rekey{By: token.RoleRoot, Key: key}, token.OutOfRange, "by"},
	{"cancelled by a bank", &token.Cancel{By: token.RoleIntermediary}, token.OutOfRange, "by"},
	{"released by a bank alone", &token.Release{Held: token.HeldFor(wallet(1)), For: wallet(1), By: token.RoleIntermediary, Inputs: ids(1), Amount: 1}, token.OutOfRange, "by"},
	{"held elsewhere", &token.Release{Held: wallet(2), For: wallet(1), By: token.RoleWallet, Inputs: ids(1), Amount: 1}, token.OutOfRange, "held"},
	{"suspense by a key", &token.Release{Held: wallet(2), By: token.RoleWallet, Inputs: ids(1), Amount: 1}, token.OutOfRange, "by"},
	{"released to where it lies", &token.Release{Held: token.HeldFor(wallet(1)), For: wallet(1), By: token.RoleWallet, Inputs: ids(1), Amount: 1, To: token.HeldFor(wallet(1))}, token.Repeated, "to"},
	{"release of more than 63 bits", &token.Release{Held: token.HeldFor(wallet(1)), For: wallet(1), By: token.RoleWallet, Inputs: ids(1), Amount: 1, Change: 1<<63 - 1}, token.AmountOverflow, "change"},
	{"rules by policy", &token.Propose{By: token.RolePolicy, Change: token.Change{Rules: 2, Height: 9}}, token.OutOfRange, "by"},
	{"rules from no height", &token.Propose{By: token.RoleRoot, Change: token.Change{Rules: 2}}, token.OutOfRange, "change.height"},
	{"rules and a cap", &token.Propose{By: token.RoleRoot, Change: token.Change{Rules: 2, Height: 9, DailyCap: 1}}, token.OutOfRange, "by"},
	{"a policy by root", &token.Propose{By: token.RoleRoot, Change: token.Change{Policy: &token.Policy{}}}, token.OutOfRange, "by"},
	{"a policy and a cap", &token.Propose{By: token.RolePolicy, Change: token.Change{Policy: &token.Policy{}, DailyCap: 5}}, token.OutOfRange, "change"},
	{"a policy without tiers", &token.Propose{By: token.RolePolicy, Change: token.Change{Policy: &token.Policy{}}}, token.TooFew, "policy.tiers"},
	{"a height alone", &token.Propose{By: token.RolePolicy, Change: token.Change{DailyCap: 1, Height: 9}}, token.OutOfRange, "change"},
	{"close by enforcement", &token.Close{By: token.RoleEnforcement}, token.OutOfRange, "by"},
	{"freeze not at all", &token.Freeze{Case: "1"}, token.OutOfRange, "mode"},
	{"case too long", &token.Freeze{Mode: token.FreezeAll, Case: strings.Repeat("1", 65)}, token.OutOfRange, "case"},
	{"case no UTF-8", &token.Unfreeze{Case: "\xff"}, token.NotCanonical, "case"},
	{"admit without a name", &token.Admit{Keys: keysOf(1), Treasury: key}, token.OutOfRange, "name"},
	{"admit without keys", &token.Admit{Name: "b", Treasury: key}, token.OutOfRange, "keys.keys"},
	{"threshold of none", &token.Admit{Name: "b", Keys: token.KeySet{Keys: []token.PublicKey{key}}, Treasury: key}, token.OutOfRange, "keys.threshold"},
	{"threshold out of reach", &token.Admit{Name: "b", Keys: token.KeySet{Threshold: 2, Keys: []token.PublicKey{key}}, Treasury: key}, token.OutOfRange, "keys.threshold"},
	{"a key twice", &token.Admit{Name: "b", Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{key, key}}, Treasury: key}, token.Repeated, "keys.keys"},
	{"a weak key in a set", &token.RenewIntermediary{Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{weak}}}, token.WeakKey, "keys.keys"},
	{"a weak treasury key", &token.Admit{Name: "b", Keys: keysOf(1), Treasury: weak}, token.WeakKey, "treasury"},
	{"move to itself", &token.Move{Wallets: wallets(1)}, token.Repeated, "to"},
	{"move nothing", &token.Move{To: wallet(1)}, token.TooFew, "wallets"},
	{"move a wallet twice", &token.Move{To: wallet(1), Wallets: append(wallets(20), wallets(1)...)}, token.Repeated, "wallets"},
	{"policy without tiers", policyWith(func(p *token.Policy) { p.Tiers = nil }), token.TooFew, "policy.tiers"},
	{"policy with a negative limit", policyWith(func(p *token.Policy) { p.Tiers[0].MaxDay = -1 }), token.AmountNegative, "policy.tiers"},
	{"policy with no least token", policyWith(func(p *token.Policy) { p.LeastToken = 0 }), token.OutOfRange, "policy.least_token"},
	{"policy of one input", policyWith(func(p *token.Policy) { p.MaxInputs = 1 }), token.OutOfRange, "policy.most_inputs"},
	{"validity of two hours", policyWith(func(p *token.Policy) { p.ValidAheadMillis = 7_200_000 }), token.OutOfRange, "policy.valid_ahead_millis"},
	{"policy of too many definitions", policyWith(func(p *token.Policy) { p.DefinitionsEach = token.MaxShare + 1 }), token.OutOfRange, "policy.definitions_each"},
	{"policy of too many purposes", policyWith(func(p *token.Policy) { p.PurposesEach = token.MaxShare + 1 }), token.OutOfRange, "policy.purposes_each"},
	{"propose nothing", &token.Propose{By: token.RolePolicy}, token.OutOfRange, "change"},
	{"propose two things", &token.Propose{By: token.RolePolicy, Change: token.Change{DailyCap: 1, DelayMillis: token.MinDelayMillis}}, token.OutOfRange, "change"},
	{"cap by the issue set", &token.Propose{By: token.RoleIssue, Change: token.Change{DailyCap: 1}}, token.OutOfRange, "by"},
	{"keys by another set", &token.Propose{By: token.RolePolicy, Change: token.Change{Set: token.RoleIssue, Keys: ptr(keysOf(1))}}, token.OutOfRange, "by"},
	{"keys of no set", &token.Propose{By: token.RoleRoot, Change: token.Change{Set: token.RoleWallet, Keys: ptr(keysOf(1))}}, token.OutOfRange, "change.set"},
	{"negative cap", &token.Propose{By: token.RolePolicy, Change: token.Change{DailyCap: -1}}, token.AmountNegative, "change.daily_cap"},
	{"delay of a second", &token.Propose{By: token.RolePolicy, Change: token.Change{DelayMillis: 1000}}, token.OutOfRange, "change.delay_millis"},
}

func ptr[T any](v T) *T { return &v }

func expectViolation(t *testing.T, err error, code token.Code, field string) {
	t.Helper()
	var violation *token.Error
	if !errors.As(err, &violation) || violation.Code != code || violation.Field != field {
		t.Errorf("got %v, want %s (%s)", err, code, field)
	}
}

func TestRefusedBodies(t *testing.T) {
	for _, c := range refusedBodies {
		t.Run(c.name, func(t *testing.T) {
			tx, err := token.New(c.body, 1)
			if tx != nil {
				t.Errorf("made %+v", tx.Body)
			}
			expectViolation(t, err, c.code, c.field)
		})
	}
}

// item is the CBOR of a payment's parts, to be put together wrongly.
func encoded(items ...[]byte) []byte {
	return append(token.AppendArray(nil, len(items)), bytes.Join(items, nil)...)
}

func number(n uint64) []byte { return token.AppendUint(nil, n) }

func witnessItem(role, index uint64, algorithm byte) []byte {
	return encoded(number(role), number(index), token.AppendBytes(nil, append([]byte{algorithm}, make([]byte, 64)...)))
}

func TestRefusedBytes(t *testing.T) {
	veto := encoded(number(17), number(1), number(1), token.AppendBytes(nil, make([]byte, 32)))
	none := encoded()
	good := encoded(veto, none)
	if _, err := token.Decode(good); err != nil {
		t.Fatal(err)
	}
	output := func(amount []byte) []byte {
		return encoded(encoded(number(1), number(1), encoded(token.AppendBytes(nil, make([]byte, 16))), number(1),
			encoded(token.AppendBytes(nil, make([]byte, 32))), encoded(encoded(number(0), amount)), []byte{0xf6}), none)
	}
	zeroAsset := encoded(number(0), number(0), number(0))
	withAsset := encoded(encoded(number(1), number(1), encoded(token.AppendBytes(nil, make([]byte, 16))), number(1),
		encoded(token.AppendBytes(nil, make([]byte, 32))), encoded(encoded(number(0), number(1), zeroAsset)), []byte{0xf6}), none)
	memoZero := encoded(encoded(number(1), number(1), encoded(token.AppendBytes(nil, make([]byte, 16))), number(1),
		encoded(token.AppendBytes(nil, make([]byte, 32))), encoded(encoded(number(0), number(1))), encoded(number(0), token.AppendBytes(nil, nil))), none)
	cases := []struct {
		name  string
		data  []byte
		code  token.Code
		field string
	}{
		{"nothing", nil, token.NotCanonical, "transaction"},
		{"cut short", good[:len(good)-2], token.NotCanonical, "proposal"},
		{"something after it", append(bytes.Clone(good), 0), token.NotCanonical, ""},
		{"indefinite length", append([]byte{0x9f}, good[1:]...), token.NotCanonical, "transaction"},
		{"a map", append([]byte{0xa1}, good[1:]...), token.WrongType, "transaction"},
		{"a tag before it", append([]byte{0xc0}, good...), token.WrongType, "transaction"},
		{"three items", encoded(veto, none, none), token.TooMany, "transaction"},
		{"one item", encoded(veto), token.TooFew, "transaction"},
		{"a kind that is none", encoded(encoded(number(99), number(1)), none), token.UnknownKind, "kind"},
		{"an item too many", encoded(append(token.AppendArray(nil, 5), append(veto[1:], 0)...), none), token.NotCanonical, "body"},
		{"valid for ever", encoded(encoded(number(17), number(1<<53), number(1), token.AppendBytes(nil, make([]byte, 32))), none), token.OutOfRange, "valid_until"},
		{"text for a number", encoded(encoded(number(17), token.AppendText(nil, "1"), number(1), token.AppendBytes(nil, make([]byte, 32))), none), token.WrongType, "valid_until"},
		{"bytes too short", encoded(encoded(number(17), number(1), number(1), token.AppendBytes(nil, make([]byte, 31))), none), token.OutOfRange, "proposal"},
		{"negative amount", output([]byte{0x20}), token.AmountNegative, "outputs.amount"},
		{"amount of 64 bits", output(number(1 << 63)), token.AmountOverflow, "outputs.amount"},
		{"float amount", output([]byte{0xf9, 0x3c, 0x00}), token.NotCanonical, "outputs.amount"},
		{"plain tenge spelt out", withAsset, token.NotCanonical, "outputs.asset"},
		{"no memo spelt out", memoZero, token.NotCanonical, "memo"},
		{"a role that is none", encoded(veto, encoded(witnessItem(11, 0, 1))), token.UnknownKind, "witnesses.role"},
		{"a signature of no algorithm", encoded(veto, encoded(witnessItem(1, 0, 2))), token.UnknownKind, "witnesses.signature"},
		{"a signature twice", encoded(veto, encoded(witnessItem(1, 0, 1), witnessItem(1, 0, 1))), token.Repeated, "witnesses"},
		{"signatures out of order", encoded(veto, encoded(witnessItem(2, 0, 1), witnessItem(1, 0, 1))), token.Repeated, "witnesses"},
		{"too many signatures", encoded(veto, token.AppendArray(nil, token.MaxWitnesses+1)), token.TooMany, "witnesses"},
		{"too large", make([]byte, token.MaxTransaction+1), token.TooLarge, ""},
		{"suspended is 2", encoded(encoded(number(13), number(1), number(1), token.AppendBytes(nil, make([]byte, 16)), []byte{0xf6}), none), token.WrongType, "suspended"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := token.Decode(c.data)
			expectViolation(t, err, c.code, c.field)
		})
	}
}

// TestEveryCodeOfFormIsProvoked fails when a code is added without a case.
func TestEveryCodeOfFormIsProvoked(t *testing.T) {
	provoked := map[token.Code]bool{ // by TestRefusedBytes alone
		token.WrongType: true, token.TooLarge: true,
	}
	for _, c := range refusedBodies {
		provoked[c.code] = true
	}
	for _, code := range []token.Code{
		token.NotCanonical, token.WrongType, token.UnknownKind, token.OutOfRange, token.TooMany, token.TooFew, token.Repeated,
		token.Unused, token.AmountZero, token.AmountNegative, token.AmountOverflow, token.WeakKey, token.TooLarge,
	} {
		if !provoked[code] {
			t.Errorf("no case provokes %s", code)
		}
	}
}

func TestRefusedJSON(t *testing.T) {
	for name, text := range map[string]string{
		"a field too many":   `{"kind":"veto","valid_until":1,"body":{"sequence":1,"proposal":"` + strings.Repeat("0", 64) + `","more":1},"witnesses":[]}`,
		"another id":         `{"id":"` + strings.Repeat("0", 64) + `","kind":"veto","valid_until":1,"body":{"sequence":1,"proposal":"` + strings.Repeat("0", 64) + `"},"witnesses":[]}`,
		"no such kind":       `{"kind":"vote","valid_until":1,"body":{},"witnesses":[]}`,
		"no body":            `{"kind":"veto","valid_until":1,"witnesses":[]}`,
		"hexadecimal short":  `{"kind":"veto","valid_until":1,"body":{"sequence":1,"proposal":"00"},"witnesses":[]}`,
		"a negative number":  `{"kind":"veto","valid_until":-1,"body":{"sequence":1,"proposal":"` + strings.Repeat("0", 64) + `"},"witnesses":[]}`,
		"a role of no name":  `{"kind":"close","valid_until":1,"body":{"wallet":"` + strings.Repeat("0", 32) + `","version":1,"by":"nobody"},"witnesses":[]}`,
		"a witness twice":    `{"kind":"veto","valid_until":1,"body":{"sequence":1,"proposal":"` + strings.Repeat("0", 64) + `"},"witnesses":[` + jsonWitness + `,` + jsonWitness + `]}`,
		"a key of no scheme": `{"kind":"register","valid_until":1,"body":{"registrar":"` + strings.Repeat("0", 32) + `","sequence":1,"key":"rsa:00","tier":0,"attributes":{}},"witnesses":[]}`,
	} {
		var tx token.Transaction
		if err := tx.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

var jsonWitness = `{"role":"root","index":0,"signature":"01` + strings.Repeat("0", 128) + `"}`
