package purse_test

import (
	"testing"

	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// listOf is a revocation list of the log's key.
func listOf(sequence, millis uint64, purses ...token.WalletID) *rules.List {
	l := &rules.List{Sequence: sequence, TimeMillis: millis, Purses: purses}
	if err := l.Sign(network, logKey); err != nil {
		panic(err)
	}
	return l
}

// offers says with what a payment of a to c is refused.
func offers(t *testing.T, files vfs.FS) error {
	t.Helper()
	request, err := phone(files, "c").Ask(kzt)
	if err != nil {
		t.Fatal(err)
	}
	message, err := phone(files, "a").Pay(request, kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = phone(files, "c").Take(message)
	if _, _, gone := phone(files, "a").GiveUp(); gone != nil {
		t.Fatal(gone)
	}
	return err
}

// A list that was carried here holds by its signature, offline, and no older one takes its place.
func TestACarriedListIsCheckedWithoutANetwork(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "c": 0})
	c, crook := phone(files, "c"), standing(t, files, "a").Purse
	if s := standing(t, files, "c"); s.ListMillis != 0 || !s.ListStale || s.ListSigned {
		t.Errorf("without a list it stands at %+v", s)
	}
	if err := offers(t, files); err != nil {
		t.Fatal(err)
	}
	forged := listOf(9, noon, crook)
	forged.Signature[5] ^= 1
	wants(t, rules.BadSignature, c.Revoke(forged.Append(nil)))
	by := listOf(9, noon, crook)
	if err := by.Sign(network, certifier); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.BadSignature, c.Revoke(by.Append(nil)))
	if err := offers(t, files); err != nil {
		t.Fatalf("a list that nobody vouches for is believed: %v", err)
	}
	if err := c.Revoke(listOf(9, noon, crook).Append(nil)); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	wants(t, rules.OlderList, c.Revoke(listOf(8, noon+1).Append(nil)))
	wants(t, rules.OlderList, c.Revoke(listOf(9, noon-1).Append(nil)))
	wants(t, rules.Revoked, offers(t, files))
	if s := standing(t, files, "c"); s.Revoked != 1 || !s.ListSigned || s.ListStale || s.ListMillis != noon {
		t.Errorf("it stands at %+v", s)
	}
	if err := c.Revoke(listOf(10, noon-8*24*3_600_000, crook).Append(nil)); err != nil {
		t.Fatal(err)
	}
	if s := standing(t, files, "c"); !s.ListStale {
		t.Errorf("a list of eight days ago is not stale: %+v", s)
	}
}

// A filter refuses whom its list has, whoever else it may refuse: they pay with a network.
func TestAPhoneKeepsAFilter(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "c": 0})
	list := listOf(9, noon, standing(t, files, "a").Purse)
	filter := rules.NewFilter(list)
	wants(t, rules.BadSignature, phone(files, "c").Revoke(unsignedFilter(filter)))
	if err := filter.Sign(network, logKey); err != nil {
		t.Fatal(err)
	}
	if err := phone(files, "c").Revoke(filter.Append(nil)); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	if s := standing(t, files, "c"); !s.ListFilter || s.Revoked != 1 || !s.ListSigned {
		t.Errorf("it stands at %+v", s)
	}
}

func unsignedFilter(f rules.Filter) []byte {
	f.Signature[0] = byte(token.Ed25519)
	return f.Append(nil)
}

// A node's bare word is marked as such, adds to a signed list, and gives way to one.
func TestABareWordGivesWayToASignature(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "c": 0})
	c, crook := phone(files, "c"), standing(t, files, "a").Purse
	if err := c.RevokeUnsigned([]token.WalletID{crook, crook}, 9, noon); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	if s := standing(t, files, "c"); s.ListSigned || s.Revoked != 1 {
		t.Errorf("it stands at %+v", s)
	}
	// A signed list of a shorter log does not free him; one of as long a log does, and no bare word of it comes back.
	if err := c.Revoke(listOf(8, noon).Append(nil)); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	if err := c.Revoke(listOf(9, noon).Append(nil)); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeUnsigned([]token.WalletID{crook}, 9, noon+1); err != nil {
		t.Fatal(err)
	}
	if s := standing(t, files, "c"); !s.ListSigned || s.Revoked != 0 {
		t.Errorf("a bare word of the same log is believed beside a signed list: %+v", s)
	}
	if err := offers(t, files); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeUnsigned([]token.WalletID{crook}, 10, noon+1); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	// Who is on a signed list stays on it, whatever a node says.
	if err := c.Revoke(listOf(11, noon, crook).Append(nil)); err != nil {
		t.Fatal(err)
	}
	if err := c.RevokeUnsigned(nil, 12, noon+2); err != nil {
		t.Fatal(err)
	}
	wants(t, rules.Revoked, offers(t, files))
	if s := standing(t, files, "c"); s.ListSigned || s.Revoked != 1 || s.ListMillis != noon+2 {
		t.Errorf("it stands at %+v", s)
	}
}
