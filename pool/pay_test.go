package pool_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/settings"
)

// till is a pool that owes its miners something, a real node with the operator's wallet, and whoever stands between the
// two: bitcoind, or btcd with btcwallet.
type till struct {
	*running
	t       *testing.T
	network bitcoin.Network
	node    *bitcoin.Client // without the meddler
	wallet  *bitcoin.Client // of the operator, without the meddler: with bitcoind the same
	chain   *meddler        // before the node
	between *meddler        // before the wallet: with bitcoind the same
	through pool.Options    // node and wallet as the pool has them
	own     []byte          // a script of the wallet
	options payments.PayOptions
	config  settings.Config
	shares  uint64
	alice   string
	bob     string
}

// tagSecret is that of the pools of tests.
const tagSecret = "of the log"

func openTill(t *testing.T, coins int) *till {
	t.Helper()
	k := &till{t: t, network: regtest, alice: alice, bob: bob, node: testnode.Core(t)}
	// Without the mining wallet's coins turning ripe in the middle, what there is to spend is coins × 50.
	if err := k.node.Call(context.Background(), nil, "createwallet", "pool"); err != nil {
		t.Fatal(err)
	}
	k.wallet = k.node
	through, between := meddle(t, k.node)
	k.chain, k.between = between, between
	k.through = pool.Options{Network: k.network, Nodes: []*bitcoin.Client{through}, TagSecret: []byte(tagSecret)}
	k.open(coins)
	return k
}

// openBTCWalletTill is a till with btcd's wallet, whose network is simnet.
func openBTCWalletTill(t *testing.T, coins int) *till {
	t.Helper()
	node, wallet := testnode.BTCWallet(t)
	simnet, err := bitcoin.FindNetwork("simnet")
	if err != nil {
		t.Fatal(err)
	}
	k := &till{t: t, network: simnet, node: node.Client, wallet: wallet}
	for user, text := range map[string]*string{alice: &k.alice, bob: &k.bob} {
		script, err := regtest.PayTo(user)
		if err != nil {
			t.Fatal(err)
		}
		*text = simnet.AddressOf(script)
	}
	chain, before := meddle(t, k.node)
	payer, between := meddle(t, wallet)
	k.chain, k.between = before, between
	k.through = pool.Options{Network: simnet, Nodes: []*bitcoin.Client{chain}, Wallet: payer, TagSecret: []byte(tagSecret)}
	k.open(coins)
	return k
}

// open fills the wallet and starts the pool.
func (k *till) open(coins int) {
	k.t.Helper()
	var own string
	if err := k.wallet.Call(context.Background(), &own, "getnewaddress"); err != nil {
		k.t.Fatal(err)
	}
	var err error
	if k.own, err = k.network.PayTo(own); err != nil {
		k.t.Fatal(err)
	}
	k.options = payments.PayOptions{Minimum: 1, MaxFeeRate: 50}
	k.mine(coins, k.own)
	k.mine(100, []byte{0x51})
	eventually(k.t, "the wallet has its coins", func() bool {
		var list []unspent
		return k.wallet.Call(context.Background(), &list, "listunspent", 1) == nil && len(list) == coins
	})
	k.rate(0.0001)
	k.config = testConfig()
	k.config.Scheme, k.config.FeePPM, k.config.Operator = payout.PPS, 0, own
	k.start(k.t.TempDir())
}

// rate is what the node estimates, bitcoin per 1,000 virtual bytes.
func (k *till) rate(rate float64) {
	k.between.answer("estimatesmartfee", map[string]any{"feerate": rate, "blocks": 6})
}

func (k *till) start(dir string) {
	k.t.Helper()
	k.running = startPoolWith(k.t, dir, k.config, k.through)
}

func (k *till) restart() {
	k.t.Helper()
	k.stop()
	k.start(k.dir)
}

func (k *till) mine(n int, script []byte) {
	k.t.Helper()
	if _, err := k.node.MineBlocks(context.Background(), n, script); err != nil {
		k.t.Fatal(err)
	}
}

// work has users find a share each, which is worth about 25 bitcoin under PPS at regtest's difficulty, and
// waits until they are owed it.
func (k *till) work(users ...string) {
	k.t.Helper()
	before := k.Owed()
	for _, user := range users {
		c := dial(k.t, k.address).login(user)
		network, _ := bitcoin.TargetOfBits(c.job().Bits)
		k.shares++
		if a := c.call("mining.submit", c.find(user, c.job(), k.shares, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(c.difficulty)(h) })...); !a.isTrue() {
			k.t.Fatal(a)
		}
	}
	k.mine(1, []byte{0x51}) // accruals are booked with the next job
	eventually(k.t, "users are owed", func() bool {
		for _, user := range users {
			if k.Owed()[user] <= before[user] {
				return false
			}
		}
		return true
	})
}

// received is what an address has got on the best chain.
func (k *till) received(address string) (sum money.Satoshi) {
	k.t.Helper()
	k.eachTransaction(func(tx *wire.MsgTx) {
		for _, out := range tx.TxOut {
			if k.network.AddressOf(out.PkScript) == address {
				sum += money.Satoshi(out.Value)
			}
		}
	})
	return sum
}

// inChain tells whether a transaction is on the best chain.
func (k *till) inChain(id string) (is bool) {
	k.t.Helper()
	k.eachTransaction(func(tx *wire.MsgTx) { is = is || tx.TxHash().String() == id })
	return is
}

func (k *till) eachTransaction(take func(*wire.MsgTx)) {
	k.t.Helper()
	var height int
	if err := k.node.Call(context.Background(), &height, "getblockcount"); err != nil {
		k.t.Fatal(err)
	}
	for h := 1; h <= height; h++ {
		hash, err := k.node.HashAt(context.Background(), h)
		if err != nil {
			k.t.Fatal(err)
		}
		block, err := k.node.RawBlock(context.Background(), hash)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, tx := range block.Transactions {
			take(tx)
		}
	}
}

// settle mines until what is open is decided.
func (k *till) settle() {
	k.t.Helper()
	for range 7 {
		if err := k.WatchPayments(context.Background()); err != nil {
			k.t.Logf("open: %v", err)
		}
		k.mine(1, []byte{0x51})
	}
	if err := k.WatchPayments(context.Background()); err != nil {
		k.t.Errorf("after seven blocks: %v", err)
	}
}

func (k *till) paying() money.Satoshi { return k.Balance("paying") }

// Whatever the connection to the wallet does to the call that sends (lost, answer lost, twice, a refusal made
// up after it was sent or instead of sending), and over a restart in each case: everybody is paid exactly
// once, and counts as paid when it is deep in the chain, not before.
func TestAMeddledConnectionPaysOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 12)
	k.rate(0.001)
	k.work(alice, bob)
	if _, err := k.Pay(ctx, k.options); !errors.Is(err, payments.ErrFeeTooHigh) {
		t.Errorf("at 100 satoshi per virtual byte: %v", err)
	}
	k.rate(0.0001)
	options := k.options
	options.Minimum = 1000 * money.Bitcoin
	if _, err := k.Pay(ctx, options); !errors.Is(err, payments.ErrNothingToPay) {
		t.Errorf("below the minimum: %v", err)
	}
	earned := map[string]money.Satoshi{}
	for what, name := range []string{"passes", "loses", "swallows", "repeats", "refuses", "denies"} {
		if what > 0 {
			k.work(alice, bob)
		}
		owed := k.Owed()
		earned[alice] += owed[alice]
		earned[bob] += owed[bob]
		k.between.do("sendrawtransaction", what)
		asked := k.between.count("sendrawtransaction")
		if _, err := k.Pay(ctx, k.options); (what == passes || what == repeats || what == refuses) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if k.between.count("sendrawtransaction") == asked {
			t.Errorf("%s: nothing was sent", name)
		}
		if got := k.Owed(); got[alice] != 0 || got[bob] != 0 || k.paying() != owed[alice]+owed[bob] {
			t.Errorf("%s: owed %v and %s is being paid, of %v", name, got, k.paying(), owed)
		}
		if _, err := k.Pay(ctx, k.options); !errors.Is(err, payments.ErrNothingToPay) {
			t.Errorf("%s, once more: %v", name, err)
		}
		k.restart()
		k.between.do("sendrawtransaction", passes)
		k.settle()
		if got := k.paying(); got != 0 {
			t.Errorf("%s: %s is open", name, got)
		}
		if a, b := k.received(alice), k.received(bob); a != earned[alice] || b != earned[bob] {
			t.Fatalf("%s: received %s and %s, earned %v", name, a, b, earned)
		}
		if err := k.Audit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(k.dir, "payments")); len(left) != 0 {
		t.Errorf("signed payments are left: %v", left)
	}
}

// The operator spends the coin of a payment otherwise, before it is mined, also while the pool is dead and
// has not heard the wallet's answer. Once that is deep, the users are owed again, and paid from another coin.
func TestADoubleSpentPaymentIsBookedBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 6)
	earned := money.Satoshi(0)
	for _, dead := range []bool{false, true} {
		k.work(alice)
		owed := k.Owed()[alice]
		earned += owed
		if dead {
			k.between.do("sendrawtransaction", swallows)
		}
		sent, err := k.Pay(ctx, k.options)
		if sent == nil || dead != (err != nil) {
			t.Fatalf("%+v, %v", sent, err)
		}
		if dead {
			k.stop()
		}
		k.doubleSpend(sent.TxID)
		if dead {
			k.between.do("sendrawtransaction", passes)
			k.start(k.dir)
		}
		_ = k.WatchPayments(ctx)
		if got := k.Owed()[alice]; got != 0 || k.paying() != owed {
			t.Errorf("with one confirmation of the conflict: %s is owed, %s open", got, k.paying())
		}
		k.mine(5, []byte{0x51})
		if err := k.WatchPayments(ctx); err != nil {
			t.Error(err)
		}
		if got := k.Owed()[alice]; got != owed || k.paying() != 0 {
			t.Fatalf("conflicted: %s is owed, want %s; %s open", got, owed, k.paying())
		}
		if _, err := k.Pay(ctx, k.options); err != nil {
			t.Fatal(err)
		}
		k.settle()
		if got := k.received(alice); got != earned || k.Owed()[alice] != 0 {
			t.Fatalf("received %s of %s", got, earned)
		}
		if err := k.Audit(ctx); err != nil {
			t.Error(err)
		}
	}
}

// doubleSpend replaces a transaction of the mempool by one to the operator's own, and mines that.
func (k *till) doubleSpend(id bitcoin.Hash) {
	k.t.Helper()
	ctx := context.Background()
	seen, err := k.node.Transaction(ctx, k.network, id)
	if err != nil {
		k.t.Fatal(err)
	}
	var inputs []map[string]any
	var raw struct {
		Vin []struct {
			TxID string `json:"txid"`
			Vout int    `json:"vout"`
		} `json:"vin"`
	}
	if err := k.node.Call(ctx, &raw, "getrawtransaction", id.String(), 1); err != nil {
		k.t.Fatal(err)
	}
	for _, in := range raw.Vin {
		inputs = append(inputs, map[string]any{"txid": in.TxID, "vout": in.Vout})
	}
	var total money.Satoshi
	for _, p := range seen.Payments {
		total += p.Amount
	}
	signed := k.signs(inputs, map[string]any{k.network.AddressOf(k.own): (total - 1_000_000).String()})
	if k.wallet != k.node { // btcwallet's node is not asked: the block has it
		k.mineOnly(signed)
		return
	}
	var conflict string
	if err := k.node.Call(ctx, &conflict, "sendrawtransaction", signed); err != nil {
		k.t.Fatal(err)
	}
	k.mineOnly(conflict)
}

// The log is put back from a backup that is older than the books: nobody is paid, and the pool says what to
// do. With the newest log back, all goes on.
func TestAnOldLogPaysNobody(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 4)
	k.work(alice)
	owed := k.Owed()[alice]
	k.stop()
	backup := t.TempDir()
	if err := os.CopyFS(filepath.Join(backup, "shares"), os.DirFS(filepath.Join(k.dir, "shares"))); err != nil {
		t.Fatal(err)
	}
	k.start(k.dir)
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Fatal(err)
	}
	k.settle()
	k.stop()
	newest := filepath.Join(k.dir, "newest")
	if err := errors.Join(os.Rename(filepath.Join(k.dir, "shares"), newest), os.Rename(filepath.Join(backup, "shares"), filepath.Join(k.dir, "shares"))); err != nil {
		t.Fatal(err)
	}
	k.start(k.dir)
	for range 2 { // at once, and after new work
		_, err := k.Pay(ctx, k.options)
		var fault *accounts.FaultError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), "bring back the newest copy of the log") {
			t.Fatalf("with an old log: %v", err)
		}
		c := dial(t, k.address).login(bob)
		network, _ := bitcoin.TargetOfBits(c.job().Bits)
		k.shares++
		if a := c.call("mining.submit", c.find(bob, c.job(), k.shares, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(c.difficulty)(h) })...); !a.isTrue() {
			t.Fatalf("the pool itself goes on: %+v", a)
		}
		k.mine(1, []byte{0x51})
	}
	k.stop()
	if err := errors.Join(os.RemoveAll(filepath.Join(k.dir, "shares")), os.Rename(newest, filepath.Join(k.dir, "shares"))); err != nil {
		t.Fatal(err)
	}
	k.start(k.dir)
	if err := k.Audit(ctx); err != nil {
		t.Error(err)
	}
	if _, err := k.Pay(ctx, k.options); !errors.Is(err, payments.ErrNothingToPay) {
		t.Errorf("with the newest log: %v", err)
	}
	if got := k.received(alice); got != owed {
		t.Errorf("received %s, earned %s", got, owed)
	}
}

// A wallet with too little pays the oldest debts first and says whose wait.
func TestAPoorWalletPaysTheOldest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 1) // 50 bitcoin
	k.work(bob)
	k.work(alice)
	k.work(alice) // more than bob, and later
	owed := k.Owed()
	sent, err := k.Pay(ctx, k.options)
	if err != nil || len(sent.Unpaid) != 1 || sent.Unpaid[0].Address != alice || sent.Unpaid[0].Amount != owed[alice] {
		t.Fatalf("%+v, %v; owed %v", sent, err, owed)
	}
	k.settle()
	if got := k.received(bob); got != owed[bob] || k.Owed()[alice] != owed[alice] {
		t.Errorf("bob received %s of %s, alice is owed %s", got, owed[bob], k.Owed()[alice])
	}
}

// A payment that its fee keeps out of blocks is replaced by one of the same coins at a higher fee; what was
// sent first, or the replacement, is mined, and both pay once.
func TestTheFeeIsRaised(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 3)
	k.rate(0.00001)
	k.work(alice)
	owed := k.Owed()[alice]
	first, err := k.Pay(ctx, k.options)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 { // without the payment
		k.mineOnly()
	}
	k.rate(0.0002)
	if err := k.WatchPayments(ctx); err != nil {
		t.Fatal(err)
	}
	var pending []string
	if err := k.node.Call(ctx, &pending, "getrawmempool"); err != nil || len(pending) != 1 || pending[0] == first.TxID.String() {
		t.Fatalf("mempool %v, first %s, %v", pending, first.TxID, err)
	}
	k.restart()
	k.settle()
	if got := k.received(alice); got != owed || k.paying() != 0 || k.Owed()[alice] != 0 {
		t.Errorf("received %s of %s, %s open", got, owed, k.paying())
	}
	if err := k.Audit(ctx); err != nil {
		t.Error(err)
	}
}

// mineOnly mines a block with no other transactions of the mempool than these; with btcd at most one, without witnesses.
func (k *till) mineOnly(transactions ...string) {
	k.t.Helper()
	ctx := context.Background()
	if k.wallet == k.node {
		if err := k.node.Call(ctx, nil, "generateblock", k.network.AddressOf(k.own), append([]string{}, transactions...)); err != nil {
			k.t.Fatal(err)
		}
		return
	}
	template, err := k.node.Template(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	template.CoinbaseValue -= template.Fees
	template.Transactions, template.Branch, template.Commitment = nil, nil, nil
	for _, text := range transactions {
		raw, err := hex.DecodeString(text)
		tx := new(wire.MsgTx)
		if err == nil {
			err = tx.Deserialize(bytes.NewReader(raw))
		}
		if err != nil {
			k.t.Fatal(err)
		}
		id := bitcoin.Hash(tx.TxHash())
		template.Transactions, template.Branch = []bitcoin.TemplateTx{{Data: raw, ID: id, WitnessID: id}}, []bitcoin.Hash{id}
	}
	block, hash, err := template.Solve(ctx, k.own, []byte("alone"))
	if err != nil {
		k.t.Fatal(err)
	}
	if verdict, reason, err := k.node.Submit(ctx, block); err != nil || verdict != bitcoin.Accepted {
		k.t.Fatalf("block %s: %v %s, %v", hash, verdict, reason, err)
	}
}

// --pay-every counts from the last payment in the log, or from the log's beginning: a restart does not begin anew.
func TestPaydayFollowsTheLog(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k := openTill(t, 2)
	k.work(alice)
	time.Sleep(time.Second)
	k.restart()
	interval := time.Second // it has passed since the log began, in the life before
	if wait := time.Until(k.NextPayday(interval)); wait > 0 {
		t.Errorf("the first payment waits another %s", wait)
	}
	go k.PayEvery(ctx, time.Hour, k.options)
	if wait := time.Until(k.NextPayday(time.Hour)); wait < 50*time.Minute || wait > time.Hour {
		t.Errorf("of an hour, %s are left", wait)
	}
}

// What the node refuses is not said to be sent, and what it takes is.
func TestARefusedPaymentIsNotSaidToBeSent(t *testing.T) {
	t.Parallel()
	for _, does := range []int{denies, passes} {
		ctx, cancel := context.WithCancel(context.Background())
		k := openTill(t, 2)
		k.work(alice)
		k.between.do("sendrawtransaction", does)
		ended := make(chan struct{})
		go func() { k.PayEvery(ctx, time.Millisecond, k.options); close(ended) }()
		eventually(t, "the outcome is logged", func() bool {
			return k.logged(`msg="payment sent"`) || k.logged(`msg="payment entered, not known to be sent"`, "made up")
		})
		if sent := k.logged(`msg="payment sent"`); sent != (does == passes) {
			t.Errorf("said to be sent: %v", sent)
		}
		if does == denies {
			eventually(t, "why is logged with the payment's number", func() bool {
				return k.logged("level=WARN", "not known to be sent", "number=1", "transaction=", "made up")
			})
		}
		cancel()
		<-ended
		k.stop()
	}
}
