package wallet_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
)

// balance is what the wallet's confirmed coins are worth.
func balance(t *testing.T, client *bitcoin.Client) money.Satoshi {
	t.Helper()
	var coins []struct{ Amount float64 }
	if err := client.Call(context.Background(), &coins, "listunspent", 1); err != nil {
		t.Fatal(err)
	}
	var sum money.Satoshi
	for _, c := range coins {
		sum += money.Satoshi(c.Amount*1e8 + 0.5)
	}
	return sum
}

// A real wallet pays two addresses in one transaction: the miner's block has it, the outputs are
// exact, the fee is the rate times the size, and sending it again changes nothing.
func TestARealWalletPays(t *testing.T) {
	run := func(t *testing.T, client *bitcoin.Client, networkName string) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		network, err := bitcoin.FindNetwork(networkName)
		if err != nil {
			t.Fatal(err)
		}
		w := wallet.New(client, network)
		rate, err := w.FeeRate(ctx)
		if err != nil || rate < 1 {
			t.Fatalf("fee rate %v, %v", rate, err)
		}
		var own string
		if err := client.Call(ctx, &own, "getnewaddress"); err != nil {
			t.Fatal(err)
		}
		script, err := network.PayTo(own)
		if err != nil {
			t.Fatal(err)
		}
		to := []bitcoin.Output{
			{Value: 1_234_567, Script: append([]byte{0x00, 0x14}, make([]byte, 20)...)},
			{Value: 70*money.Bitcoin + 1, Script: append([]byte{0x00, 0x20}, make([]byte, 32)...)},
		}
		if _, _, err := w.Draft(ctx, to, 2, nil); !errors.Is(err, wallet.ErrTooPoor) {
			t.Fatalf("an empty wallet: %v", err)
		}
		if _, err := client.MineBlocks(ctx, 102, script); err != nil { // two coinbases are spendable
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); balance(t, client) < 100*money.Bitcoin; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the wallet sees %s after 102 blocks", balance(t, client))
			}
		}
		draft, _, err := w.Draft(ctx, to, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if known, err := w.Known(ctx, draft.ID); err != nil || known {
			t.Fatalf("known before it was sent: %v, %v", known, err)
		}
		for range 2 { // the second time as after a crash
			if err := w.Send(ctx, draft.Raw); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := client.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
			t.Fatal(err)
		}
		seen, err := client.Transaction(ctx, network, draft.ID)
		if err != nil || seen.Confirmations != 1 {
			t.Fatalf("%+v, %v", seen, err)
		}
		var paid, all money.Satoshi
		for _, o := range seen.Payments {
			all += o.Amount
			if o.Amount == to[0].Value || o.Amount == to[1].Value {
				paid += o.Amount
			}
		}
		if paid != to[0].Value+to[1].Value || all+draft.Fee != 100*money.Bitcoin {
			t.Errorf("paid %s, outputs %s, fee %s", paid, all, draft.Fee)
		}
		// Inputs are counted with the largest signatures; a real one is a byte or two smaller, and the
		// counts of inputs and outputs take one byte, not three.
		if exact := money.Satoshi(2 * seen.VirtualBytes); draft.Fee < exact || draft.Fee > exact+2*(4+2*2) {
			t.Errorf("fee %d for %d virtual bytes at 2 satoshi each", draft.Fee, seen.VirtualBytes)
		}
		if err := w.Send(ctx, draft.Raw); err != nil { // it is in the chain
			t.Errorf("again after it was mined: %v", err)
		}
	}
	t.Run("btcwallet", func(t *testing.T) {
		_, client := testnode.BTCWallet(t)
		run(t, client, "simnet")
	})
	t.Run("core", func(t *testing.T) {
		client := testnode.Core(t)
		if err := client.Call(context.Background(), nil, "createwallet", "pool"); err != nil {
			t.Fatal(err)
		}
		run(t, client, "regtest")
	})
}
