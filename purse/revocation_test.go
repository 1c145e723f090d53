package purse_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

func numbered(n int, what string) (ids []token.WalletID) {
	for i := range n {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", what, i))
		ids = append(ids, token.WalletID(sum[:16]))
	}
	slices.SortFunc(ids, func(a, b token.WalletID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// The filter finds every entry, takes at most two bytes for each, and alarms falsely at most once in a thousand.
func TestFilter(t *testing.T) {
	for _, n := range []int{250, 1000, 5000} {
		l := purse.List{Sequence: 9, Purses: numbered(n, "crook")}
		f := purse.NewFilter(&l)
		if err := f.Sign(network, keyOf("log")); err != nil {
			t.Fatal(err)
		}
		back, err := purse.DecodeFilter(f.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < n; i += max(1, n/500) {
			if !back.Has(l.Purses[i]) {
				t.Fatalf("entry %d of %d is not found", i, n)
			}
		}
		alarms, tried := 0, 20_000
		for _, id := range numbered(tried, "honest") {
			if n < 5000 && back.Has(id) {
				alarms++
			}
		}
		bytes := float64(len(f.Append(nil))) / float64(n)
		t.Logf("%d entries: %.2f bytes each, %d false alarms in %d", n, bytes, alarms, tried)
		if bytes > 2 || alarms*1000 > tried {
			t.Errorf("%d entries: %.2f bytes each, %d false alarms in %d", n, bytes, alarms, tried)
		}
	}
	empty := purse.NewFilter(&purse.List{})
	empty.Signature[0] = 1
	if back, err := purse.DecodeFilter(empty.Append(nil)); err != nil || back.Has(token.WalletID{1}) ||
		back.Has(token.WalletID{}) {
		t.Errorf("the filter of no purse: %v", err)
	}
}

func TestList(t *testing.T) {
	l := purse.List{Sequence: 3, TimeMillis: noon, Purses: numbered(20, "crook")}
	sig, err := keyOf("bank").Sign(l.Digest(network))
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = sig
	data := l.Append(nil)
	back, err := purse.DecodeList(data)
	if err != nil || !slices.Equal(back.Purses, l.Purses) {
		t.Fatal(err)
	}
	if grows := len(data) - len((&purse.List{Sequence: 3, TimeMillis: noon}).Append(nil)); grows > 20*16+2 {
		t.Errorf("20 entries take %d bytes", grows)
	}
	if !back.Has(l.Purses[7]) || back.Has(token.WalletID{1}) {
		t.Error("the list does not know its entries")
	}
	twice := l
	twice.Purses = append(slices.Clone(l.Purses[:2]), l.Purses[1])
	if _, err := purse.DecodeList(twice.Append(nil)); codeOf(err) != token.Repeated {
		t.Errorf("a purse twice: %v", err)
	}
}

// A list and its filter hold by their signer's key, and no older edition takes a newer one's place.
func TestEditionsOfAList(t *testing.T) {
	signer := keyOf("log")
	edition := func(sequence, millis uint64, filter bool) *purse.Revocations {
		l := purse.List{Sequence: sequence, TimeMillis: millis, Purses: numbered(20, "crook")}
		var data []byte
		if filter {
			f := purse.NewFilter(&l)
			if err := f.Sign(network, signer); err != nil {
				t.Fatal(err)
			}
			data = f.Append(nil)
		} else if err := l.Sign(network, signer); err != nil {
			t.Fatal(err)
		} else {
			data = l.Append(nil)
		}
		r, err := purse.DecodeRevocations(data)
		if err != nil || (r.Filter != nil) != filter || r.Count() != 20 || !r.Has(l.Purses[3]) {
			t.Fatalf("%v, %+v", err, r)
		}
		return &r
	}
	for _, filter := range []bool{false, true} {
		at := edition(5, noon, filter)
		for name, test := range map[string]struct { // any order: each by itself
			atHand *purse.Revocations
			key    token.PublicKey
			want   token.Code
		}{
			"the first": {nil, signer.Public(), ""}, "the same": {edition(5, noon, !filter), signer.Public(), ""},
			"a longer log": {edition(4, noon+1, filter), signer.Public(), ""},
			"older":        {edition(6, noon-1, filter), signer.Public(), purse.OlderList},
			"made before":  {edition(5, noon+1, !filter), signer.Public(), purse.OlderList},
			"another key":  {nil, keyOf("other").Public(), purse.BadSignature},
			"no key":       {nil, token.PublicKey{}, purse.BadSignature},
		} {
			got := token.Code("")
			if err := at.Check(network, test.key, test.atHand); err != nil {
				got = err.Code
			}
			if got != test.want {
				t.Errorf("%s (filter %t): %q, want %q", name, filter, got, test.want)
			}
		}
		if err := at.Check(token.NetworkID{9}, signer.Public(), nil); err == nil || err.Code != purse.BadSignature {
			t.Errorf("another network's: %v", err)
		}
	}
	// What is signed as a list is no filter, and the other way round.
	l := purse.List{Sequence: 5, TimeMillis: noon}
	f := purse.NewFilter(&l)
	if l.Digest(network) == f.Digest(network) {
		t.Error("a list and a filter are signed alike")
	}
}

// A request in which anything was mistyped is refused before anything is signed for it; so is one of another network.
func TestAMistypedRequestIsRefused(t *testing.T) {
	r := newPhone(t, "b", 0).query(12_345)
	data := r.Append(network, nil)
	if back, err := purse.DecodeRequest(network, data); err != nil || back != r {
		t.Fatalf("%+v, %v", back, err)
	}
	for i := range data {
		for _, change := range []byte{0x01, 0x10, 0x0f, 0xf0, 0xff} {
			spoilt := slices.Clone(data)
			spoilt[i] ^= change
			if _, err := purse.DecodeRequest(network, spoilt); err == nil {
				t.Fatalf("byte %d changed by %x is a request", i, change)
			}
		}
	}
	if _, err := purse.DecodeRequest(token.NetworkID{8}, data); codeOf(err) != purse.BadChecksum {
		t.Errorf("of another network: %v", err)
	}
}

// Shares use up the money, exceed no claim, are within a tiyn of the proportion, and do not depend on the order.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var claims []purse.Claim
		var sum money.Tiyn
		for i := range rapid.IntRange(1, 12).Draw(t, "claims") {
			c := purse.Claim{ID: sha256.Sum256([]byte{byte(i)}),
				Amount: money.Tiyn(rapid.Int64Range(1, purse.MaxAmount).Draw(t, "amount"))}
			claims, sum = append(claims, c), sum+c.Amount
		}
		total := money.Tiyn(rapid.Int64Range(0, 2*int64(sum)).Draw(t, "total"))
		shares := purse.Share(total, claims)
		var paid money.Tiyn
		byID := map[token.Hash]money.Tiyn{}
		for i := range shares {
			paid += shares[i]
			byID[claims[i].ID] = shares[i]
			if shares[i] < 0 || shares[i] > claims[i].Amount {
				t.Fatalf("%d of a claim of %d", shares[i], claims[i].Amount)
			}
		}
		if paid != min(total, sum) {
			t.Fatalf("%d of %d paid, claims of %d", paid, total, sum)
		}
		shuffled := rapid.Permutation(claims).Draw(t, "order")
		for i, share := range purse.Share(total, shuffled) {
			if share != byID[shuffled[i].ID] {
				t.Fatal("the order of claims changes a share")
			}
		}
	})
	odd := purse.Share(100, []purse.Claim{{token.Hash{2}, 70}, {token.Hash{1}, 70}, {token.Hash{3}, 70}})
	if want := []money.Tiyn{33, 34, 33}; !slices.Equal(odd, want) {
		t.Errorf("%v, want %v: the odd tiyn to the lowest id", odd, want)
	}
}
