package api_test

import (
	"net/http"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/token"
)

// askKeyed asks which wallets a key opens, with a signature by another key where one is named.
func (w *town) askKeyed(t *testing.T, key, by, origin string, c api.Challenge) (api.KeyedWallets, int) {
	t.Helper()
	public := w.world.Key(key).Public()
	signature, err := w.world.Key(by).Sign(token.KeyDigest(w.node.Network(), public, origin, challengeBytes(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	var found api.KeyedWallets
	status, _ := w.postJSON(t, "/v1/sessions/wallets", api.KeyQuestion{Key: public, Origin: origin,
		Challenge: c.Challenge, Signature: signature}, &found)
	return found, status
}

// A key finds its wallet by itself, as the wallet's key and as its recovery key; the key that was replaced finds nothing,
// and who does not hold a key learns nothing.
func TestAKeyFindsItsWallets(t *testing.T) {
	w := street(t)
	ask := func(key string) []api.KeyedWallet {
		t.Helper()
		found, status := w.askKeyed(t, key, key, w.http.URL, w.challenge(t, token.WalletID{}))
		if status != http.StatusOK {
			t.Fatalf("%s: %d", key, status)
		}
		return found.Wallets
	}
	want := func(key, as string) {
		t.Helper()
		if got := ask(key); len(got) != 1 || got[0] != (api.KeyedWallet{Wallet: w.alice, As: as}) {
			t.Errorf("%s finds %v", key, got)
		}
	}
	want("alice", "wallet")
	second, next := w.world.Key("alice's second"), w.world.Key("alice 2")
	w.submit(t, w.world.Sign(&token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleWallet,
		Key: w.world.Key("alice").Public(), Recovery: second.Public()}, soon(),
		sim.One(token.RoleWallet, 0, w.world.Key("alice")), sim.One(token.RolePossession, 0, w.world.Key("alice")),
		sim.One(token.RolePossession, 1, second)))
	want("alice's second", "recovery")
	_, _, version := (&walletPage{town: w, t: t}).keysOf(w.alice)
	w.submit(t, w.world.Sign(&token.Rekey{Wallet: w.alice, Version: uint64(version), By: token.RoleRecovery,
		Key: next.Public()}, soon(), sim.One(token.RoleRecovery, 0, second), sim.One(token.RolePossession, 0, next)))
	want("alice 2", "wallet")
	if got := ask("alice"); len(got) != 0 {
		t.Errorf("the key that was replaced finds %v", got)
	}
	found, _ := w.askKeyed(t, "alice", "alice", w.http.URL, w.challenge(t, token.WalletID{}))
	if len(found.Former) != 1 {
		t.Errorf("the key that was replaced was named by %v", found.Former)
	}
	if got := ask("nobody"); len(got) != 0 {
		t.Errorf("a key of nobody finds %v", got)
	}

	used := w.challenge(t, token.WalletID{})
	if _, status := w.askKeyed(t, "bob", "bob", w.http.URL, used); status != http.StatusOK {
		t.Fatalf("%d", status)
	}
	for name, bad := range map[string]func() int{
		"another's key": func() int {
			_, status := w.askKeyed(t, "bob", "alice 2", w.http.URL, w.challenge(t, token.WalletID{}))
			return status
		},
		"another origin": func() int {
			_, status := w.askKeyed(t, "bob", "bob", "https://evil.example", w.challenge(t, token.WalletID{}))
			return status
		},
		"a challenge twice": func() int { _, status := w.askKeyed(t, "bob", "bob", w.http.URL, used); return status },
		"a wallet's challenge": func() int {
			_, status := w.askKeyed(t, "bob", "bob", w.http.URL, w.challenge(t, w.bob))
			return status
		},
	} {
		if status := bad(); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// A new key that a bank asked for sees that it waits, and until when, and that it waits no more once it was cancelled.
func TestAKeyThatWaitsSeesThatItWasCancelled(t *testing.T) {
	w := street(t)
	page := &walletPage{town: w, t: t}
	ask := func(key string) api.KeyedWallets {
		t.Helper()
		found, status := w.askKeyed(t, key, key, w.http.URL, w.challenge(t, token.WalletID{}))
		if status != http.StatusOK {
			t.Fatalf("%s: %d", key, status)
		}
		return found
	}
	next := w.world.Key("alice's new phone")
	if found := ask("alice's new phone"); len(found.Wallets)+len(found.Waiting)+len(found.Former) != 0 {
		t.Fatalf("a key that nobody named finds %v", found)
	}
	_, _, version := page.keysOf(w.alice)
	w.submit(t, w.world.Sign(&token.Rekey{Wallet: w.alice, Version: uint64(version), By: token.RoleIntermediary,
		Key: next.Public()}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank")),
		sim.One(token.RolePossession, 0, next)))
	_, detail, version := page.keysOf(w.alice)
	want := api.WaitingWallet{Wallet: w.alice, Due: detail.Rekey.DueMillis}
	found := ask("alice's new phone")
	if len(found.Wallets)+len(found.Former) != 0 || len(found.Waiting) != 1 || found.Waiting[0] != want ||
		want.Due == 0 {
		t.Errorf("a key that waits finds %v, not that it waits as %v", found, want)
	}
	if found := ask("alice"); len(found.Wallets) != 1 || len(found.Waiting) != 0 {
		t.Errorf("the key in force finds %v", found)
	}
	w.submit(t, w.world.Sign(&token.CancelRekey{Wallet: w.alice, Version: uint64(version)},
		soon(), sim.One(token.RoleWallet, 0, w.world.Key("alice"))))
	found = ask("alice's new phone")
	if len(found.Wallets)+len(found.Waiting) != 0 || len(found.Former) != 1 || found.Former[0] != w.alice {
		t.Errorf("a key that was cancelled finds %v", found)
	}
}
