package pool_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/txlog"
)

// payerDir tells a run of the test binary to be a pool that pays without pause and will be killed; payerNode is the
// URL of its node and wallet, payerWallet that of the wallet if it is another's.
const (
	payerDir     = "AQSHA_TEST_PAYER_DIR"
	payerNode    = "AQSHA_TEST_PAYER_NODE"
	payerWallet  = "AQSHA_TEST_PAYER_WALLET"
	payerNetwork = "AQSHA_TEST_PAYER_NETWORK"
	payerAddress = "AQSHA_TEST_PAYER_OPERATOR"
)

func bePayer(dir string) error {
	ctx := context.Background()
	node, err := bitcoin.Dial(os.Getenv(payerNode), bitcoin.DialOptions{})
	if err != nil {
		return err
	}
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		return err
	}
	network, err := bitcoin.FindNetwork(os.Getenv(payerNetwork))
	if err != nil {
		return err
	}
	var wallet *bitcoin.Client
	if at := os.Getenv(payerWallet); at != "" {
		if wallet, err = bitcoin.Dial(at, bitcoin.DialOptions{}); err != nil {
			return err
		}
	}
	config := testConfig()
	config.Scheme, config.FeePPM, config.Operator = payout.PPS, 0, os.Getenv(payerAddress)
	p, err := pool.Open(ctx, config, pool.Options{Network: network, Nodes: []*bitcoin.Client{node}, Wallet: wallet, Log: log, BooksFile: filepath.Join(dir, "books.sqlite"),
		PaymentsDir: filepath.Join(dir, "payments"), BlocksDir: filepath.Join(dir, "blocks"), TagSecret: []byte(tagSecret)})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			_, _ = p.Pay(ctx, payerOptions)
			_ = p.WatchPayments(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	fmt.Println("pays")
	return p.Run(ctx, serve.Listener{Net: listener})
}

var payerOptions = payments.PayOptions{Minimum: 1, MaxFeeRate: 50}

// lives is how many lives a campaign has: AQSHA_KILLS in the long run.
func lives(t *testing.T) int {
	t.Helper()
	text := os.Getenv("AQSHA_KILLS")
	if text == "" {
		return len(deaths)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// SIGKILL at every step of a payment: at a call to the node or its wallet, before it is made, after it is made and
// unanswered, or up to some milliseconds after its answer, while files and the log are written; with a connection
// that also loses, repeats and makes up answers; while the payment is intended, sent, in the mempool, being
// confirmed, outbid by the operator's own transaction, or waiting for a higher fee, by a replacement or, where the wallet
// signs none, a child. Everybody is paid exactly once.
func TestKilledAtEveryStepOfAPayment(t *testing.T) {
	t.Parallel()
	killPayer(t, openTill(t, 40))
}

// The same with btcd and its wallet, which offers other calls and answers otherwise.
func TestKilledAtEveryStepOfABTCWalletPayment(t *testing.T) {
	t.Parallel()
	killPayer(t, openBTCWalletTill(t, 40))
}

// ends are what becomes of a payment while its pool is killed.
var ends = map[string]func(*till, *exec.Cmd){
	"confirmed": (*till).confirm, "conflicted": (*till).conflict, "bumped": (*till).outbid, "child": (*till).outbidByChild,
}

var endKinds = []string{"confirmed", "conflicted", "bumped", "child"}

func killPayer(t *testing.T, k *till) {
	earned := map[string]money.Satoshi{}
	killed := map[string]int{}
	children := 0
	for life := range lives(t) {
		kind := endKinds[life%len(endKinds)]
		if life < len(deaths) {
			kind = deaths[life].kind
		}
		k.rate(0.00002)
		k.work(k.alice, k.bob)
		for user, amount := range k.Owed() {
			earned[user] += amount
		}
		k.stop()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), payerDir+"="+k.dir, payerNode+"="+k.chain.url, payerNetwork+"="+k.network.Name, payerAddress+"="+k.config.Operator)
		if k.wallet != k.node {
			child.Env = append(child.Env, payerWallet+"="+k.between.url)
		}
		child.Stderr = os.Stderr
		n, when, methods := k.arm(life, child)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		dead := make(chan struct{})
		go func() { _, _ = child.Process.Wait(); close(dead) }()
		ends[kind](k, child)
		select {
		case <-dead:
			killed[kind]++
		case <-time.After(10 * time.Millisecond):
			_ = child.Process.Kill()
			<-dead
		}
		k.between.spare()
		k.chain.spare()
		k.between.do("sendrawtransaction", passes)
		k.rate(0.0001)
		if found, _ := filepath.Glob(filepath.Join(k.dir, "payments", "*.child.json")); len(found) > 0 {
			children++
		}
		k.start(k.dir)
		k.payOff()
		if a, b := k.received(k.alice), k.received(k.bob); a != earned[k.alice] || b != earned[k.bob] {
			t.Fatalf("life %d, %s, killed at call %d of %v (%d): received %s and %s, earned %v", life, kind, n, methods, when, a, b, earned)
		}
		if err := k.Audit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if children == 0 {
		t.Error("no life has left a child behind")
	}
	t.Logf("killed before the end: %v; %d with a child on its way", killed, children)
}

// deaths are the steps at which a mistake would cost most; the first lives end there.
var deaths = []struct {
	kind    string
	method  string
	n, when int
}{
	{"confirmed", "sendrawtransaction", 1, after},  // sent, and nobody knows
	{"conflicted", "sign", 1, later},               // between signing and sending: files and log
	{"bumped", "sign", 2, later},                   // the same of a higher fee
	{"confirmed", "getblock", 3, after},            // while blocks are read
	{"conflicted", "sendrawtransaction", 1, later}, // in the mempool
	{"bumped", "sign", 2, after},                   // a higher fee is signed and not written down
	{"child", "sign", 3, later},                    // a child's files and log, or it is sent
	{"child", "child", 1, before},                  // it is written down and not sent
	{"child", "child", 1, after},                   // it is sent, and nobody knows
}

// signing is the wallet's call.
func (k *till) signing() string {
	if k.wallet != k.node {
		return "signrawtransaction"
	}
	return "signrawtransactionwithwallet"
}

// arm draws where the child dies, and what the connection does to its sending.
func (k *till) arm(life int, child *exec.Cmd) (n, when int, methods []string) {
	kill := func() { _ = child.Process.Kill() }
	if life < len(deaths) {
		d := deaths[life]
		method := d.method
		switch method {
		case "sign":
			method = k.signing()
		case "child":
			method = "sendrawtransaction"
		}
		k.meets(method).killAt(d.n, d.when, kill, method)
		if d.method == "child" {
			k.between.fatalOf = call.isChild
		}
		return d.n, d.when, []string{method}
	}
	n, when = 1+rand.IntN(3), rand.IntN(3)
	switch rand.IntN(5) {
	case 0:
		methods = []string{k.signing()}
	case 1:
		methods = []string{"sendrawtransaction"}
	case 2:
		methods = []string{"listunspent", "estimatesmartfee", "getrawchangeaddress"}
	case 3:
		n, methods = 1+rand.IntN(8), []string{"getblock"}
	default:
		n = 20 + rand.IntN(150) // any call at all
	}
	if methods == nil {
		[]*meddler{k.chain, k.between}[rand.IntN(2)].killAt(n, when, kill)
	} else {
		k.meets(methods[0]).killAt(n, when, kill, methods...)
	}
	k.between.do("sendrawtransaction", rand.IntN(denies+1))
	return n, when, methods
}

// meets is who stands before the one that is called.
func (k *till) meets(method string) *meddler {
	if method == "getblock" {
		return k.chain
	}
	return k.between
}

// inMempool waits a little for a transaction of the child's.
func (k *till) inMempool() (id string) {
	for range 60 {
		if pending := k.mempool(); len(pending) > 0 {
			return pending[0]
		}
		time.Sleep(25 * time.Millisecond)
	}
	return ""
}

// mempool are the ids of the node's transactions, sorted.
func (k *till) mempool() (pending []string) {
	k.t.Helper()
	if err := k.node.Call(context.Background(), &pending, "getrawmempool"); err != nil {
		k.t.Fatal(err)
	}
	slices.Sort(pending)
	return pending
}

func (k *till) confirm(*exec.Cmd) {
	k.inMempool()
	for range 8 {
		k.mine(1, []byte{0x51})
		time.Sleep(60 * time.Millisecond)
	}
}

// conflict spends the payment's coin otherwise.
func (k *till) conflict(*exec.Cmd) {
	text := k.inMempool()
	if text == "" {
		return
	}
	id, err := bitcoin.ParseHash(text)
	if err != nil {
		k.t.Fatal(err)
	}
	k.doubleSpend(id)
	for range 7 {
		k.mineOnly()
		time.Sleep(60 * time.Millisecond)
	}
}

// outbid leaves the payment out of blocks until its fee is raised.
func (k *till) outbid(*exec.Cmd) {
	k.inMempool()
	for range 7 {
		k.mineOnly()
		time.Sleep(20 * time.Millisecond)
	}
	before := k.mempool()
	k.rate(0.0003)
	for range 40 { // until it is raised, or whoever would raise it is dead
		if time.Sleep(50 * time.Millisecond); !slices.Equal(k.mempool(), before) {
			break
		}
	}
	k.confirm(nil)
}

// outbidByChild is outbid with a wallet that signs no replacement.
func (k *till) outbidByChild(*exec.Cmd) {
	if id := k.inMempool(); id != "" {
		k.between.keeps(k.pending(id))
	}
	k.outbid(nil)
}

// pending is a transaction of the mempool.
func (k *till) pending(id string) *wire.MsgTx {
	k.t.Helper()
	var text string
	if err := k.node.Call(context.Background(), &text, "getrawtransaction", id); err != nil {
		k.t.Fatal(err)
	}
	raw, err := hex.DecodeString(text)
	tx := new(wire.MsgTx)
	if err == nil {
		err = tx.Deserialize(bytes.NewReader(raw))
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return tx
}

// payOff settles what is open and pays what is owed, until neither is left.
func (k *till) payOff() {
	k.t.Helper()
	ctx := context.Background()
	for range 4 {
		k.settle()
		owed := k.Owed()
		if k.paying() == 0 && owed[k.alice] == 0 && owed[k.bob] == 0 {
			return
		}
		if _, err := k.Pay(ctx, payerOptions); err != nil {
			k.t.Logf("pay: %v", err)
		}
	}
	k.t.Fatalf("%s is open, owed %v", k.paying(), k.Owed())
}

// A payment without change, whose fee cannot come out of it, is replaced by one with a further coin. That coin is then
// spent otherwise: the payment is not lost for that, and what was sent first is mined.
func TestTheFeeIsRaisedWithAnotherCoin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("coin lost ", lost), func(t *testing.T) {
			k := openTill(t, 2)
			k.rate(0.00001)
			k.work(alice)
			owed := k.Owed()[alice]
			other := k.leaveOne(owed + 200) // for the payment and its fee, and no more
			first, err := k.Pay(ctx, k.options)
			if err != nil || first.Fee != 200 {
				t.Fatalf("%+v, %v", first, err)
			}
			k.lock(other, true)
			for range 6 {
				k.mineOnly()
			}
			k.rate(0.0002)
			if err := k.WatchPayments(ctx); err != nil {
				t.Fatal(err)
			}
			second := k.inMempool()
			if second == "" || second == first.TxID.String() {
				t.Fatalf("the fee is not raised: %s", second)
			}
			if lost {
				k.mineOnly(k.spend(other, map[string]any{operator: "49.9"}))
				for range 7 {
					k.mineOnly()
				}
				if err := k.WatchPayments(ctx); err != nil {
					t.Logf("open: %v", err)
				}
				if k.paying() != owed {
					t.Fatalf("booked back although the first transaction may still be mined: %s open", k.paying())
				}
			}
			k.settle()
			if got := k.received(alice); got != owed || k.paying() != 0 || k.Owed()[alice] != 0 {
				t.Errorf("received %s of %s, %s open", got, owed, k.paying())
			}
			if err := k.Audit(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// unspent is a coin of the wallet.
type unspent struct {
	TxID string `json:"txid"`
	Vout int    `json:"vout"`
}

// leaveOne leaves the wallet one coin of an amount; another is locked, and returned.
func (k *till) leaveOne(amount money.Satoshi) (other unspent) {
	k.t.Helper()
	var coins []unspent
	if err := k.node.Call(context.Background(), &coins, "listunspent"); err != nil || len(coins) != 2 {
		k.t.Fatalf("%v, %v", coins, err)
	}
	k.lock(coins[1], false)
	rest := 50*money.Bitcoin - amount - 10_000
	k.mineOnly(k.spend(coins[0], map[string]any{regtest.AddressOf(k.own): amount.String(), operator: rest.String()}))
	return coins[1]
}

// lock hides a coin from the wallet, or no longer.
func (k *till) lock(coin unspent, open bool) {
	k.t.Helper()
	if err := k.node.Call(context.Background(), nil, "lockunspent", open, []unspent{coin}); err != nil {
		k.t.Fatal(err)
	}
}

// spend sends a transaction of one coin, which replaces others of it.
func (k *till) spend(coin unspent, outputs map[string]any) (id string) {
	k.t.Helper()
	signed := k.signs([]map[string]any{{"txid": coin.TxID, "vout": coin.Vout}}, outputs)
	if err := k.node.Call(context.Background(), &id, "sendrawtransaction", signed, 0); err != nil {
		k.t.Fatal(err)
	}
	return id
}

// signs is a transaction that the wallet has signed.
func (k *till) signs(inputs []map[string]any, outputs map[string]any) (signed string) {
	k.t.Helper()
	ctx := context.Background()
	if k.wallet != k.node { // btcd wants numbers
		for address, amount := range outputs {
			value, err := strconv.ParseFloat(amount.(string), 64)
			if err != nil {
				k.t.Fatal(err)
			}
			outputs[address] = value
		}
	}
	var raw string
	if err := k.node.Call(ctx, &raw, "createrawtransaction", inputs, outputs); err != nil {
		k.t.Fatal(err)
	}
	params := []any{raw}
	if k.wallet != k.node { // its node says that the coins are spent, so the wallet is told what they are
		var known []map[string]any
		for _, in := range inputs {
			var from struct {
				Vout []struct{ ScriptPubKey struct{ Hex string } }
			}
			if err := k.node.Call(ctx, &from, "getrawtransaction", in["txid"], 1); err != nil {
				k.t.Fatal(err)
			}
			known = append(known, map[string]any{"txid": in["txid"], "vout": in["vout"], "scriptPubKey": from.Vout[in["vout"].(int)].ScriptPubKey.Hex, "redeemScript": ""})
		}
		params = append(params, known)
	}
	var answer struct {
		Hex      string
		Complete bool
	}
	if err := k.wallet.Call(ctx, &answer, k.signing(), params...); err != nil || !answer.Complete {
		k.t.Fatalf("%+v, %v", answer, err)
	}
	return answer.Hex
}
