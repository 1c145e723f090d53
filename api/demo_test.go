package api_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// demoOf are alice, with her key, and bob, whose key the story has not.
func (w *town) demoOf() *api.Demo {
	return &api.Demo{
		Roles: func() []api.DemoRole {
			return []api.DemoRole{{Name: "alice", Kind: "person", Wallet: w.alice},
				{Name: "bob", Kind: "shop", Wallet: w.bob}}
		},
		Seed: func(key token.PublicKey) (seed [32]byte, known bool) {
			if alice := w.world.Key("alice"); key == alice.Public() {
				return alice.Seed(), true
			}
			return seed, false
		},
	}
}

// On the story's own network a browser gets the key of one of its people, which pays; no other network has anybody,
// whatever its node is given, and whoever asks.
func TestOnlyTheStorysNetworkHasRoles(t *testing.T) {
	w := street(t)
	w.server = api.New(w.node, api.Options{Open: true, Demo: w.demoOf(), Origins: []string{w.http.URL}})
	w.http.Config.Handler = checked(t, w.server)
	roles := func(access string) (list api.DemoRoles) {
		t.Helper()
		status, _, body := w.call(t, "GET", "/v1/demo", "", access, nil)
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return list
	}
	if list := roles(""); len(list.Roles) != 2 || list.Roles[0].Wallet != w.alice {
		t.Errorf("%+v", list)
	}
	status, _, body := w.call(t, "POST", "/v1/demo/alice", "application/json", "", []byte(`{}`))
	var key api.DemoKey
	if err := json.Unmarshal(body, &key); err != nil || status != http.StatusOK || key.Wallet != w.alice {
		t.Fatalf("%d %s", status, body)
	}
	seed, err := hex.DecodeString(key.Seed)
	if err != nil || len(seed) != 32 {
		t.Fatal(key.Seed, err)
	}
	own := token.NewPrivateKey([32]byte(seed))
	w.submit(t, w.world.Pay(w.alice, own, w.bob, money.Tenge, []token.ID{token.OutputID(w.money.ID(), 0)},
		100_000*money.Tenge, soon()))
	w.problem(t, "POST", "/v1/demo/bob", "application/json", "", []byte(`{}`), http.StatusNotFound, "not-found")
	w.problem(t, "POST", "/v1/demo/carol", "application/json", "", []byte(`{}`), http.StatusNotFound, "not-found")

	w.server = api.New(w.node, api.Options{Demo: w.demoOf(), Access: []api.Access{{Name: "authority",
		Role: api.RoleAuthority, TokenSHA256: api.HashToken("authority")}}})
	w.http.Config.Handler = checked(t, w.server)
	for _, access := range []string{"", "authority"} {
		if list := roles(access); len(list.Roles) != 0 {
			t.Errorf("a network that is not for development has %+v", list)
		}
		w.problem(t, "POST", "/v1/demo/alice", "application/json", access, []byte(`{}`), http.StatusNotFound,
			"not-found")
	}
}
