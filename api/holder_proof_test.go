package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// remark is a payment of somebody's whole token with a memo.
func (w *town) remark(t *testing.T, from token.WalletID, key string, to token.WalletID, of token.ID, amount money.Tiyn, memo token.Memo) token.ID {
	t.Helper()
	tx := w.world.Sign(&token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: []token.ID{of}, Outputs: []token.Output{{Party: 1, Amount: amount}}, Memo: memo},
		soon(), sim.One(token.RoleWallet, 0, w.world.Key(key)))
	w.submit(t, tx)
	return token.OutputID(tx.ID(), 0)
}

// A holder proves his token by himself where the file shows no memo of a payment between others: none was given, or by its hash.
// Else his bank makes the file for him, and he is told so without a word of what stands there.
func TestAHolderProvesHisToken(t *testing.T) {
	w := street(t)
	signIn := func(wallet token.WalletID, key string) string {
		s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, wallet), wallet, key, w.http.URL))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return s.Token
	}
	register, carol := w.world.Register("bank", w.bank, 3, "carol", 1, soon())
	w.submit(t, register)
	alice, bob, carols := signIn(w.alice, "alice"), signIn(w.bob, "bob"), signIn(carol, "carol")
	first := w.payBob(1000 * money.Tenge)
	w.submit(t, first)
	second := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 1000*money.Tenge, []token.ID{token.OutputID(first.ID(), 1)}, 99_000*money.Tenge, soon())
	w.submit(t, second)
	rest := token.OutputID(second.ID(), 1) // alice's
	plain := w.remark(t, w.bob, "bob", carol, token.OutputID(first.ID(), 0), 1000*money.Tenge, token.Memo{})
	hashed := token.Memo{Scheme: token.HashedMemo, Bytes: make([]byte, 32)}
	between := w.remark(t, w.bob, "bob", w.alice, token.OutputID(second.ID(), 0), 1000*money.Tenge, token.Plain("a secret between bob and alice"))
	passed := w.remark(t, w.alice, "alice", carol, between, 1000*money.Tenge, hashed)
	back := w.remark(t, carol, "carol", w.bob, plain, 1000*money.Tenge, hashed)
	for _, tc := range []struct {
		what    string
		token   token.ID
		session string
		want    int
	}{
		{"alice's, of her own payments", rest, alice, 200},
		{"bob's, with a memo by its hash", back, bob, 200},
		{"carol's, with a memo between others", passed, carols, 403},
		{"carol's, as somebody else", passed, bob, 403},
	} {
		status, _, body := w.query(t, inquiry{method: "GET", path: "/v1/tokens/" + tc.token.String() + "/proof"}, tc.session)
		if status != tc.want {
			t.Errorf("%s: %d %s", tc.what, status, body)
			continue
		}
		if strings.Contains(string(body), "secret") {
			t.Errorf("%s tells the memo: %s", tc.what, body)
		}
		if status != http.StatusOK {
			continue
		}
		if result, err := proof.Check(body, w.node.Network()); err != nil || result.Token != tc.token {
			t.Errorf("%s: %+v, %v", tc.what, result, err)
		}
	}
	if _, _, body := w.query(t, inquiry{method: "GET", path: "/v1/tokens/" + passed.String() + "/proof"}, carols); !strings.Contains(string(body), "memos-of-others") {
		t.Errorf("carol is not told why: %s", body)
	}
	f, err := proof.Make(t.Context(), w.node, passed) // as the bank and auditors have it: whole
	if err != nil || f.MemosOfOthers(carol) != 1 || f.MemosOfOthers(w.bob) != 0 {
		t.Errorf("%v: %d memos of others", err, f.MemosOfOthers(carol))
	}
}
