package bitcoin_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
)

var regtest, _ = bitcoin.FindNetwork("regtest")

// key is the private key 1: public, for tests only.
var key, _ = btcec.PrivKeyFromBytes(append(make([]byte, 31), 1))

func keyAddress(t *testing.T) (string, []byte) {
	t.Helper()
	to, err := address.NewAddressWitnessPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), regtest.Params)
	if err != nil {
		t.Fatal(err)
	}
	script, err := regtest.PayTo(to.EncodeAddress())
	if err != nil {
		t.Fatal(err)
	}
	return to.EncodeAddress(), script
}

// spend signs a payment from a coinbase of ours, with a remark.
func spend(t *testing.T, coinbase *bitcoin.TransactionView, script []byte, remark string) *wire.MsgTx {
	t.Helper()
	value := int64(coinbase.Payments[0].Amount)
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash(coinbase.ID)}, nil, nil))
	tx.AddTxOut(wire.NewTxOut(value/2, append([]byte{0x00, 0x14}, bytes.Repeat([]byte{7}, 20)...)))
	tx.AddTxOut(wire.NewTxOut(value-value/2-1000, script))
	data, err := txscript.NullDataScript([]byte(remark))
	if err != nil {
		t.Fatal(err)
	}
	tx.AddTxOut(wire.NewTxOut(0, data))
	fetcher := txscript.NewCannedPrevOutputFetcher(script, value)
	witness, err := txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, value, script, txscript.SigHashAll, key, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}

// TestNode mines on each kind of node, pays with a remark, reads it back, and asks about coinbases.
func TestNode(t *testing.T) {
	testnode.Each(t, func(t *testing.T, client *bitcoin.Client) {
		ctx := context.Background()
		from, script := keyAddress(t)
		// btcd's segwit is active from height 432 on regtest.
		if _, err := client.MineBlocks(ctx, 440, script); err != nil {
			t.Fatal(err)
		}
		first, err := client.Block(ctx, regtest, "1")
		if err != nil {
			t.Fatal(err)
		}
		tx := spend(t, &first.Transactions[0], script, "канцелярия №7")
		var raw bytes.Buffer
		if err := tx.Serialize(&raw); err != nil {
			t.Fatal(err)
		}
		if err := client.Call(ctx, nil, "sendrawtransaction", hex.EncodeToString(raw.Bytes())); err != nil {
			t.Fatal(err)
		}
		template := waitForTransactions(t, client, 1)
		if template.Commitment == nil || template.Fees != 1000 {
			t.Fatalf("commitment %v, fees %d", template.Commitment, template.Fees)
		}
		checkCoinbaseRules(t, client, template, script)
		if _, err := client.MineBlocks(ctx, 2, script); err != nil {
			t.Fatal(err)
		}
		checkViews(t, client, bitcoin.Hash(tx.TxHash()), from)
		checkReorganisation(t, client, script)
	})
}

// waitForTransactions bridges the seconds by which a node's template lags its mempool.
func waitForTransactions(t *testing.T, client *bitcoin.Client, n int) *bitcoin.Template {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for update := range client.Watch(ctx, bitcoin.WatchOptions{Poll: 200 * time.Millisecond}) {
		if update.Err != nil {
			t.Fatal(update.Err)
		}
		if len(update.Template.Transactions) == n {
			return update.Template
		}
	}
	t.Fatal("no template with the transaction")
	return nil
}

// checkCoinbaseRules proposes blocks: a lock time of height − 1 (BIP 54) and before is final,
// the height itself is not; wrong heights, amounts and commitments are refused.
func checkCoinbaseRules(t *testing.T, client *bitcoin.Client, template *bitcoin.Template, script []byte) {
	t.Helper()
	for _, tc := range []struct {
		name   string
		change func(c *bitcoin.Coinbase, filled []byte) []byte
		want   bitcoin.Verdict
	}{
		{"height − 1", nil, bitcoin.Accepted},
		{"height", lockTime(template.Height), bitcoin.Rejected},
		{"height − 2", lockTime(template.Height - 2), bitcoin.Accepted},
		{"another height in the script", func(c *bitcoin.Coinbase, _ []byte) []byte { c.Height++; return nil }, bitcoin.Rejected},
		{"one satoshi too much", func(c *bitcoin.Coinbase, _ []byte) []byte { c.Outputs[0].Value++; return nil }, bitcoin.Rejected},
		{"no commitment", func(c *bitcoin.Coinbase, _ []byte) []byte { c.Commitment = nil; return nil }, bitcoin.Rejected},
		{"many outputs", func(c *bitcoin.Coinbase, _ []byte) []byte {
			c.Outputs[0].Value -= 300 * 600
			for range 300 {
				c.Outputs = append(c.Outputs, bitcoin.Output{Value: 600, Script: script})
			}
			return nil
		}, bitcoin.Accepted},
	} {
		coinbase := bitcoin.Coinbase{
			Height: template.Height, Aux: template.CoinbaseAux, Extranonce: 8, Tag: []byte("test"),
			Outputs: []bitcoin.Output{{Value: template.CoinbaseValue, Script: script}}, Commitment: template.CommitmentScript(),
		}
		if tc.change != nil {
			tc.change(&coinbase, make([]byte, 4))
		}
		parts, err := coinbase.Parts()
		if err != nil {
			t.Fatal(err)
		}
		filled := parts.Fill(make([]byte, 8))
		lock := binary.LittleEndian.Uint32(filled[len(filled)-4:])
		if sequence := binary.LittleEndian.Uint32(parts.Tail[4:]); tc.change == nil && (lock != template.Height-1 || sequence == 0xffffffff) {
			t.Errorf("lock time %d, sequence %08x at height %d", lock, sequence, template.Height)
		}
		if tc.change != nil {
			if changed := tc.change(&coinbase, filled); changed != nil {
				filled = changed
			}
		}
		header := bitcoin.Header{
			Version: template.Version, Previous: template.Previous, Time: max(template.CurTime, template.MinTime), Bits: template.Bits,
			MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(filled), template.Branch),
		}
		verdict, reason, err := client.Propose(context.Background(), template.Block(header, parts.WithWitness(filled)))
		if err != nil || verdict != tc.want {
			t.Errorf("coinbase with %s: %v %s, %v", tc.name, verdict, reason, err)
		}
	}
}

func lockTime(height uint32) func(*bitcoin.Coinbase, []byte) []byte {
	return func(_ *bitcoin.Coinbase, filled []byte) []byte {
		binary.LittleEndian.PutUint32(filled[len(filled)-4:], height)
		return filled
	}
}

// checkViews reads the payment as the paper describes it.
func checkViews(t *testing.T, client *bitcoin.Client, id bitcoin.Hash, from string) {
	t.Helper()
	view, err := client.Transaction(context.Background(), regtest, id)
	if err != nil {
		t.Fatal(err)
	}
	if len(view.Senders) != 1 || view.Senders[0] != from || view.Confirmations != 2 || view.Height != 441 {
		t.Errorf("got %+v", view)
	}
	if len(view.Remarks) != 1 || view.Remarks[0] != "канцелярия №7" || view.Fee == nil || *view.Fee != 1000 {
		t.Errorf("remarks %q, fee %v", view.Remarks, view.Fee)
	}
	if len(view.Payments) != 2 || view.Payments[0].Change || !view.Payments[1].Change || view.Payments[0].Amount != 25*money.Bitcoin {
		t.Errorf("payments %+v", view.Payments)
	}
	if _, err := client.Transaction(context.Background(), regtest, bitcoin.Hash{1}); err == nil {
		t.Error("a transaction that does not exist was found")
	}
	info, err := client.Info(context.Background())
	if err != nil || info.Height != 442 || info.Network != "regtest" || info.Node == "" {
		t.Errorf("info %+v, %v", info, err)
	}
}

// checkReorganisation overtakes the tip by a longer branch; the block that lost has −1 confirmations.
func checkReorganisation(t *testing.T, client *bitcoin.Client, script []byte) {
	t.Helper()
	ctx := context.Background()
	template, err := client.Template(ctx)
	if err != nil {
		t.Fatal(err)
	}
	fork := *template
	fork.Transactions, fork.Branch, fork.Commitment, fork.CoinbaseValue = nil, nil, nil, template.Subsidy()
	lost, err := client.MineBlocks(ctx, 1, script)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		block, hash, err := fork.Solve(ctx, script, []byte("fork"))
		if err != nil {
			t.Fatal(err)
		}
		// btcd answers null for a sibling, Core "inconclusive".
		verdict, reason, err := client.Submit(ctx, block)
		if err != nil || verdict == bitcoin.Rejected {
			t.Fatalf("block %d of the fork: %v %s, %v", i, verdict, reason, err)
		}
		if again, _, err := client.Submit(ctx, block); err != nil || again != bitcoin.Known {
			t.Errorf("submitted again: %v, %v", again, err)
		}
		fork.Previous, fork.Height = hash, fork.Height+1
		fork.MinTime, fork.CurTime = fork.CurTime+1, fork.CurTime+1
	}
	if tip, err := client.Tip(ctx); err != nil || tip != fork.Previous {
		t.Fatalf("tip %s, %v; want %s", tip, err, fork.Previous)
	}
	if _, confirmations, err := client.Position(ctx, lost[0]); err != nil || confirmations != -1 {
		t.Errorf("the block that lost has %d confirmations, %v", confirmations, err)
	}
}
