package standing

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// A suspension and its end are two verbs, each of which names one of its noun, and can be drafted by whoever adds the flag.
func TestSuspensionsOfANoun(t *testing.T) {
	suspend := func(*wallet.Client, context.Context, token.WalletID, bool) (node.Receipt, error) {
		return node.Receipt{}, nil
	}
	commands := Suspensions("agency", "ministry", "Suspend an agency", suspend)
	var verbs []string
	for _, c := range commands {
		verbs = append(verbs, c.Name())
		if c.Example != "  aqsha agency "+c.Name()+" ministry" || !strings.HasSuffix(c.Use, " AGENCY") {
			t.Errorf("%s: %q", c.Use, c.Example)
		}
		if c.Args(c, []string{"a", "b"}) == nil || c.Args(c, nil) == nil || c.Args(c, []string{"a"}) != nil {
			t.Errorf("%s takes one %s", c.Name(), "agency")
		}
	}
	if !slices.Equal(verbs, []string{"suspend", "reinstate"}) || commands[0].Short != "Suspend an agency" {
		t.Errorf("%v", verbs)
	}
}

// Whether somebody may act is said in each language, and differently.
func TestStatesAreSaid(t *testing.T) {
	for _, l := range words.Languages {
		for _, noun := range []string{"bank", "agency"} {
			for _, key := range []string{"suspended", "active", "renewed"} {
				full := "standing." + noun + "-" + key
				if got := l.Text(full, "name", "X", "needed", 1, "keys", 2); got == full || !strings.Contains(got, "X") {
					t.Errorf("%s: %s is %q", l, full, got)
				}
			}
		}
		if a, b := StateText(l, true), StateText(l, false); a == b || strings.HasPrefix(a+b, "result.") {
			t.Errorf("%s: %q, %q", l, a, b)
		}
	}
	if got := KeysText(words.English, token.KeySet{Threshold: 2, Keys: make([]token.PublicKey, 3)}); got != "2 of 3" {
		t.Error(got)
	}
	if got := SinceText(1_796_000_000_000); !strings.HasPrefix(got, "2026-11-30") {
		t.Error(got)
	}
}

// Keys of a set come by their values or their names, in the order in which they are named.
func TestAKeySet(t *testing.T) {
	command := RenewCommand("bank", "", func(*wallet.Client, context.Context, token.WalletID, token.KeySet) (node.Receipt, error) {
		return node.Receipt{}, nil
	})
	if err := command.ParseFlags([]string{"--threshold", "2"}); err != nil {
		t.Fatal(err)
	}
	keyring, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &session.Session{Client: &wallet.Client{Keyring: keyring}}
	names := []string{"ed25519:" + strings.Repeat("8a", 32), "ed25519:" + strings.Repeat("1c", 32)}
	set, err := KeySet(s, command, names)
	if err != nil || set.Threshold != 2 || len(set.Keys) != 2 || set.Keys[0].String() != names[0] || set.Keys[1].String() != names[1] {
		t.Errorf("%+v, %v", set, err)
	}
	// A name is a key of the keyring, made when it is first named and the same ever after.
	first, err := KeySet(s, command, []string{"bank-2027"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := KeySet(s, command, []string{"bank-2027"}); err != nil || again.Keys[0] != first.Keys[0] {
		t.Errorf("%v, want %v, %v", again.Keys, first.Keys, err)
	}
	if _, err := KeySet(s, command, []string{"ed25519:8a"}); err == nil {
		t.Error("half a key is in a set")
	}
}
