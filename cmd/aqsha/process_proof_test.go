package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
)

// Proofs and receipts of a group are whoever asks's to check with the network's id alone: those of a leader whose checkpoint
// bears followers' cosignatures, and those of a follower, which signs nothing.
func TestAGroupProves(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	var paid struct {
		ID token.TransactionID `json:"id"`
	}
	var held api.WalletTokens
	if err := json.Unmarshal([]byte(run1Out(t, "pay", "bank", "shop", "7", "--data", g.path("a"), "--json")), &paid); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(run1Out(t, "token", "list", "shop", "--data", g.path("a"), "--json")), &held); err != nil || len(held.Tokens) != 1 {
		t.Fatal(held, err)
	}
	cosigned := false
	for range 100 {
		if cosigned = bytes.Count(checkpointOf(t, g.leader.url), []byte("\n\u2014 ")) > 1; cosigned {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !cosigned {
		t.Fatal("no follower cosigns")
	}
	for _, url := range []string{g.leader.url, g.follows[0].url, g.follows[1].url} {
		client := api.NewClient(url, "")
		network, err := client.Network(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var file []byte
		for range 100 { // a follower shows the payment once it knows that enough have it
			if file, err = client.Proof(t.Context(), held.Tokens[0].ID); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			t.Errorf("%s proves nothing: %v", url, err)
			continue
		}
		if _, err := proof.Check(file, network.Network); err != nil {
			t.Errorf("%s: a proof that nobody believes: %v", url, err)
		}
		receipt, err := client.Receipt(t.Context(), paid.ID)
		if err != nil {
			t.Errorf("%s: no receipt: %v", url, err)
			continue
		}
		if _, err := proof.CheckReceipt(receipt, network.Network); err != nil {
			t.Errorf("%s: a receipt that nobody believes: %v", url, err)
		}
	}
}

func checkpointOf(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
