package pool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// backUp copies the whole directory of the pool, which is stopped for it.
func (k *till) backUp() (dir string) {
	k.t.Helper()
	k.stop()
	dir = filepath.Join(k.t.TempDir(), "backup")
	if err := os.CopyFS(dir, os.DirFS(k.dir)); err != nil {
		k.t.Fatal(err)
	}
	k.start(k.dir)
	return dir
}

// putBack starts the pool from a backup instead of its directory.
func (k *till) putBack(dir string) {
	k.t.Helper()
	k.stop()
	k.start(dir)
}

// paysNobody tries to pay, twice and over a restart.
func (k *till) paysNobody(why string) {
	k.t.Helper()
	ctx := context.Background()
	for range 2 {
		for range 2 {
			var fault *accounts.FaultError
			if sent, err := k.Pay(ctx, k.options); sent != nil || !errors.As(err, &fault) || !strings.Contains(err.Error(), why) {
				k.t.Fatalf("%+v, %v; want a fault that says %q", sent, err, why)
			}
		}
		k.mine(8, []byte{0x51}) // new jobs: the next start looks from where this one began all the same
		eventually(k.t, "a newer job", func() bool { return k.Stats(time.Now()).Height == uint32(k.height()+1) })
		k.restart()
	}
}

// The whole directory of a pool is put back from a backup: log, books and signed transactions agree, and have all
// forgotten a payment. The wallet and the chain have not. Nobody is paid again, before and after the payment is mined;
// once it is deep, recover enters it, and users are owed what they have earned since and no satoshi more.
func TestAWholeDirectoryPutBackPaysNobodyTwice(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, int) *till{"bitcoind": openTill, "btcwallet": openBTCWalletTill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			k := open(t, 8)
			k.work(k.alice, k.bob)
			backup := k.backUp()
			before := k.Owed()
			k.work(k.alice) // lost with the log, and paid
			owed := k.Owed()
			sent, err := k.Pay(ctx, k.options)
			if err != nil {
				t.Fatal(err)
			}
			k.putBack(backup)
			if now := k.Owed(); now[k.alice] != before[k.alice] || now[k.bob] != before[k.bob] {
				t.Fatalf("the backup owes %v, want %v", now, before)
			}
			k.paysNobody("does not know payment " + sent.TxID.String())
			if !k.inChain(sent.TxID.String()) {
				t.Fatal("the payment is not mined")
			}
			k.work(k.bob) // new work
			worked := k.Owed()[k.bob] - before[k.bob]
			list, err := k.Recover(ctx, payments.RecoverRequest{})
			if err != nil || len(list) != 1 || list[0].TxID != sent.TxID || list[0].Booked != before[k.alice]+before[k.bob] ||
				list[0].Beyond != owed[k.alice]-before[k.alice] || list[0].Payees != 2 || list[0].Waits != "" {
				t.Fatalf("%+v, %v", list, err)
			}
			k.paysNobody(sent.TxID.String()) // that was only a list
			if _, err := k.Recover(ctx, payments.RecoverRequest{Reason: "the copy of before was put back"}); err != nil {
				t.Fatal(err)
			}
			if now := k.Owed(); now[k.alice] != 0 || now[k.bob] != worked || k.paying() != 0 {
				t.Fatalf("owed %v, %s open; want %s for bob alone", now, k.paying(), worked)
			}
			k.restart()
			if _, err := k.Pay(ctx, k.options); err != nil {
				t.Fatal(err)
			}
			k.settle()
			if a, b := k.received(k.alice), k.received(k.bob); a != owed[k.alice] || b != before[k.bob]+worked {
				t.Errorf("alice received %s of %s, bob %s of %s", a, owed[k.alice], b, before[k.bob]+worked)
			}
			if err := k.Audit(ctx); err != nil {
				t.Error(err)
			}
			k.convictsNobody()
			k.convictsForgers()
		})
	}
}

// convictsForgers changes each field of a recovered payment that says what was paid: the chain convicts it.
func (k *till) convictsForgers() {
	k.t.Helper()
	for field, change := range map[string]func(*sharelog.Recovered){
		"amount": func(r *sharelog.Recovered) { r.Payees[0].Amount-- }, "beyond": func(r *sharelog.Recovered) { r.Payees[0].Debt++ },
		"user": func(r *sharelog.Recovered) { r.Payees[0].User = r.Payees[1].User }, "transaction": func(r *sharelog.Recovered) { r.TxID[0]++ },
		"height": func(r *sharelog.Recovered) { r.Height++ }, "block": func(r *sharelog.Recovered) { r.Block[0]++ },
		"coinbase": func(r *sharelog.Recovered) { r.Coinbase = true }, "number": func(r *sharelog.Recovered) { r.Number++ },
		"more than was owed": func(r *sharelog.Recovered) { r.Payees[0].Amount, r.Payees[0].Debt = r.Payees[0].Amount*2, 0 },
	} {
		var log forged
		for _, record := range records(k.t, k.dir) {
			if r, is := record.(*sharelog.Recovered); is {
				change(r)
			}
			log = append(log, sharelog.Append(nil, record))
		}
		auditor, err := audit.Replay(log, false)
		if err == nil {
			err = auditor.CheckChain(context.Background(), k.network, k.node)
		}
		if err != nil {
			k.t.Fatal(err)
		}
		if len(auditor.Contradictions()) == 0 {
			k.t.Errorf("a recovered payment whose %s is forged convicts nobody", field)
		}
	}
}

// convictsNobody holds the pool's log against the chain.
func (k *till) convictsNobody() {
	k.t.Helper()
	k.stop()
	var log forged
	for _, record := range records(k.t, k.dir) {
		log = append(log, sharelog.Append(nil, record))
	}
	auditor, err := audit.Replay(log, false)
	if err == nil {
		err = auditor.CheckChain(context.Background(), k.network, k.node)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	for _, c := range auditor.Contradictions() {
		k.t.Errorf("the honest pool is convicted: %s", c)
	}
}

// A payment that the log has lost and that is in no block is not entered, and stops payments for as long as it may be
// mined: until its coin is spent otherwise, deeply.
func TestALostPaymentMayStillBeMined(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 8)
	k.work(alice)
	backup := k.backUp()
	owed := k.Owed()[alice]
	sent, err := k.Pay(ctx, k.options)
	if err != nil {
		t.Fatal(err)
	}
	k.putBack(backup)
	if sent, err := k.Pay(ctx, k.options); sent != nil || !errors.As(err, new(*accounts.FaultError)) {
		t.Fatalf("%+v, %v", sent, err)
	}
	list, err := k.Recover(ctx, payments.RecoverRequest{Reason: "a backup"})
	if err != nil || len(list) != 1 || list[0].Waits == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	k.doubleSpend(sent.TxID)
	for range 4 {
		k.mineOnly()
	}
	if sent, err := k.Pay(ctx, k.options); sent != nil || !errors.As(err, new(*accounts.FaultError)) {
		t.Fatalf("five blocks deep: %+v, %v", sent, err)
	}
	for range 2 {
		k.mineOnly()
	}
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Fatal(err)
	}
	k.settle()
	if got := k.received(alice); got != owed {
		t.Errorf("received %s of %s", got, owed)
	}
}

// What the wallet sends is the pool's payment by its mark. A payment of another pool's from the same wallet, and what the
// operator sends by hand while the pool runs, stop nothing; what was sent to users alone while it did not run may have
// been a payment of an earlier program's, and is set aside by name.
func TestWhatTheWalletSendsByHand(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 8)
	k.work(alice)
	var id string
	send := func() {
		t.Helper()
		if err := k.node.Call(ctx, &id, "sendtoaddress", bob, "0.5", "", "", false, true, nil, "unset", nil, 10); err != nil {
			t.Fatal(err)
		}
		k.mine(1, []byte{0x51})
	}
	k.work(bob)
	send() // while it runs
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Fatal(err)
	}
	k.settle()
	k.through.TagSecret = []byte("another pool beside it")
	k.stop()
	k.start(t.TempDir())
	k.work(alice, bob)
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Errorf("a wallet that another pool pays from: %v", err)
	}
	k.settle()
	k.stop()
	send()
	k.mine(2, []byte{0x51})
	k.start(k.dir)
	if err := k.Reconcile(ctx); err != nil { // as a pool does by itself, and before it is told that the wallet is its own
		t.Fatal(err)
	}
	k.work(alice)
	if sent, err := k.Pay(ctx, k.options); sent != nil || err == nil || !strings.Contains(err.Error(), "the wallet's transaction "+id) {
		t.Fatalf("%+v, %v", sent, err)
	}
	hash, err := bitcoin.ParseHash(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Recover(ctx, payments.RecoverRequest{Aside: []bitcoin.Hash{hash}}); err == nil {
		t.Error("set aside without a reason")
	}
	if _, err := k.Recover(ctx, payments.RecoverRequest{Aside: []bitcoin.Hash{{1}}, Reason: "what?"}); err == nil {
		t.Error("what is not missing is set aside")
	}
	if _, err := k.Recover(ctx, payments.RecoverRequest{Aside: []bitcoin.Hash{hash}, Reason: "bought a machine"}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Error(err)
	}
}

// The directory goes back behind a block of the pool, whose coinbase has paid what the log still owes: that stops payments
// too, and no coinbase pays old debts, until it is entered. One block alone is enough, under the tip of the backup too.
func TestABlockThatTheLogHasLost(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]int{"under the tip of the backup": 0, "under another": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blockThatTheLogHasLost(t, others)
		})
	}
}

// blockThatTheLogHasLost has others find some blocks between the backup and the pool's own.
func blockThatTheLogHasLost(t *testing.T, others int) {
	ctx := context.Background()
	k := openTill(t, 8)
	k.work(alice)
	backup := k.backUp()
	owed := k.Owed()[alice]
	c := dial(t, k.address).login(alice)
	network, _ := bitcoin.TargetOfBits(c.job().Bits)
	k.mine(others, []byte{0x51})
	for c.job().Previous != k.tip() {
		c.awaitJob(len(c.jobs) + 1)
	}
	if a := c.call("mining.submit", c.find(alice, c.job(), 77, network.Met)...); !a.isTrue() {
		t.Fatalf("block: %+v", a)
	}
	eventually(t, "the block is the tip", func() bool { return len(k.Blocks()) == 1 && k.Blocks()[0].Hash == k.tip() })
	k.putBack(backup)
	k.paysNobody("does not know coinbase")
	list, err := k.Recover(ctx, payments.RecoverRequest{Reason: "too early"})
	if err != nil || len(list) != 1 || !list[0].Coinbase || list[0].Waits == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	k.mine(100, []byte{0x51})
	if list, err = k.Recover(ctx, payments.RecoverRequest{Reason: "a backup"}); err != nil || len(list) != 1 || list[0].Waits != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := k.Owed()[alice]; got != owed { // PPS: the coinbase is the operator's
		t.Errorf("owed %s, want %s", got, owed)
	}
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Error(err)
	}
	k.settle()
	k.convictsNobody()
}

func (k *till) tip() bitcoin.Hash {
	k.t.Helper()
	hash, err := k.node.HashAt(context.Background(), k.height())
	if err != nil {
		k.t.Fatal(err)
	}
	return hash
}
