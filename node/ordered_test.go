package node_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// order stands in for those who order with a node: it keeps what is proposed, and the test decides blocks.
type order struct {
	mu      sync.Mutex
	batches []*node.Batch
	came    chan struct{}
	refuse  *token.Error
	behind  atomic.Bool
}

func (o *order) Behind() bool { return o.behind.Load() }

func newOrder() *order { return &order{came: make(chan struct{}, 100)} }

func (o *order) Propose(b *node.Batch) *token.Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return o.refuse
	}
	o.batches = append(o.batches, b)
	o.came <- struct{}{}
	return nil
}

// take is what was proposed, once something was.
func (o *order) take() []*node.Batch {
	<-o.came
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.batches
	o.batches = nil
	return taken
}

// ordered is a node that orders with others, of whom the test is one.
type ordered struct {
	t      *testing.T
	world  *sim.World
	order  *order
	node   *node.Node
	config node.Config
	blocks uint64
}

func newOrdered(t *testing.T) *ordered {
	town := &town{t: t, world: sim.NewWorld(1), dir: t.TempDir(), segment: 1 << 20}
	o := &ordered{t: t, world: town.world, order: newOrder(), config: town.config()}
	if err := node.Init(o.config, o.world.Genesis); err != nil {
		t.Fatal(err)
	}
	o.config.Sequencer, o.config.Sealer, o.config.TrustClock = o.order, o.world.LogSigner, true
	o.config.Options.Signers = nil
	o.open()
	t.Cleanup(func() { o.node.Close() })
	return o
}

func (o *ordered) open() {
	o.t.Helper()
	var err error
	if o.node, err = node.Open(o.config); err != nil {
		o.t.Fatal(err)
	}
}

// block executes and commits a block, a minute after the one before it.
func (o *ordered) block(batches ...*node.Batch) node.Outcome {
	o.t.Helper()
	o.blocks++
	out, err := o.node.ExecuteOrdered(node.Ordered{TimeMillis: sim.StartMillis + 60_000*o.blocks, Seed: [32]byte{byte(o.blocks)}, Batches: batches})
	if err == nil {
		err = o.node.CommitOrdered()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// submit submits, has what is proposed decided, and returns the answer.
func (o *ordered) submit(tx *token.Transaction) (receipt node.Receipt, err error) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		receipt, err = o.node.Submit(context.Background(), tx)
	}()
	o.block(o.order.take()...)
	<-answered
	return receipt, err
}

func (o *ordered) must(tx *token.Transaction) node.Receipt {
	o.t.Helper()
	receipt, err := o.submit(tx)
	if err != nil {
		o.t.Fatalf("%s: %v", tx.Body.Kind(), err)
	}
	return receipt
}

const orderedUntil = sim.StartMillis + 3_600_000

// economy is a bank with money, and bob.
func (o *ordered) economy() (bank, bob token.WalletID, coins []token.ID) {
	admit, bank := o.world.Admit("bank", 1, orderedUntil)
	o.must(admit)
	register, bob := o.world.Register("bank", bank, 1, "bob", 2, orderedUntil)
	o.must(register)
	amounts := make([]money.Tiyn, 8)
	for i := range amounts {
		amounts[i] = money.Tenge
	}
	issue := o.world.Issue(1, bank, orderedUntil, amounts...)
	o.must(issue)
	for i := range amounts {
		coins = append(coins, token.OutputID(issue.ID(), i))
	}
	return bank, bob, coins
}

func (o *ordered) pay(bank, bob token.WalletID, coin token.ID, key string) *token.Transaction {
	return o.world.Pay(bank, o.world.Key(key), bob, money.Tenge, []token.ID{coin}, money.Tenge, orderedUntil)
}

// What was asked for here is answered when it was ordered, whoever's batch had it, and once.
func TestWhatOthersOrderIsAnswered(t *testing.T) {
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	tx := o.pay(bank, bob, coins[0], "bank treasury")
	answers := make(chan node.Receipt, 1)
	go func() {
		receipt, err := o.node.Submit(context.Background(), tx)
		if err != nil {
			t.Error(err)
		}
		answers <- receipt
	}()
	own := o.order.take()
	theirs := node.NewBatch([]*token.Transaction{tx, o.pay(bank, bob, coins[1], "bank treasury")})
	o.node.VerifyBatch(theirs)
	out := o.block(theirs)
	if receipt := <-answers; receipt.ID != tx.ID() || receipt.Height != out.Head.Height {
		t.Fatalf("answered with %+v", receipt)
	}
	if out = o.block(own...); out.Verdicts[0] == nil {
		t.Fatal("the same payment was executed twice")
	}
	if again, err := o.submit(tx); err != nil || again.Height != o.node.Head().Height {
		t.Fatalf("asked again: %+v, %v", again, err)
	}
}

// Nobody's unsigned transaction is proposed, and those of other nodes are named, under the keys that stand.
func TestWhatIsNotSignedIsNotProposed(t *testing.T) {
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	forged := o.pay(bank, bob, coins[0], "a thief")
	if _, err := o.node.Submit(t.Context(), forged); err == nil {
		t.Fatal("a forged payment is taken")
	}
	if len(o.order.batches) > 0 {
		t.Fatal("a forged payment was proposed")
	}
	b := node.NewBatch([]*token.Transaction{o.pay(bank, bob, coins[0], "bank treasury"), forged, o.pay(token.WalletID{9}, bob, coins[1], "nobody")})
	o.node.VerifyBatch(b)
	if got := o.node.Unsigned(b); len(got) != 1 || got[0] != 1 {
		t.Fatalf("not signed: %v, want the second", got)
	}
	kept := b.Without([]int{1})
	out := o.block(kept)
	if out.Verdicts[0] != nil || out.Verdicts[1] == nil {
		t.Fatalf("verdicts %v", out.Verdicts)
	}
}

// Two that execute the same blocks come to the same log, salts included; a restart between execution and commit forgets the block.
func TestOrderedBlocksAreTheSameEverywhere(t *testing.T) {
	a, b := newOrdered(t), newOrdered(t)
	for _, o := range []*ordered{a, b} {
		bank, bob, coins := o.economy()
		batch := node.NewBatch([]*token.Transaction{o.pay(bank, bob, coins[0], "bank treasury")})
		o.node.VerifyBatch(batch)
		o.block(batch)
		o.block()
		if o == b {
			lost := node.NewBatch([]*token.Transaction{o.pay(bank, bob, coins[1], "bank treasury")})
			o.node.VerifyBatch(lost)
			if _, err := o.node.ExecuteOrdered(node.Ordered{TimeMillis: sim.StartMillis + 60_000*(o.blocks+1), Batches: []*node.Batch{lost}}); err != nil {
				t.Fatal(err)
			}
			if err := o.node.Close(); err != nil {
				t.Fatal(err)
			}
			o.open()
		}
	}
	if a, b := a.node.Head(), b.node.Head(); a != b {
		t.Fatalf("%+v\n%+v", a, b)
	}
}

// Who waits when the node ends is told that it may yet be executed; and who comes when nobody takes anything, that.
func TestWhoWaitsIsTold(t *testing.T) {
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	answers := make(chan error, 1)
	go func() {
		_, err := o.node.Submit(context.Background(), o.pay(bank, bob, coins[0], "bank treasury"))
		answers <- err
	}()
	o.order.take()
	if err := o.node.Close(); err != nil {
		t.Fatal(err)
	}
	var refused *token.Error
	if err := <-answers; !errors.As(err, &refused) || refused.Code != node.Undecided {
		t.Fatalf("told %v", err)
	}
	o.open()
	o.order.mu.Lock()
	o.order.refuse = token.Errorf(node.NotJoined, "", "not yet")
	o.order.mu.Unlock()
	if _, err := o.node.Submit(t.Context(), o.pay(bank, bob, coins[1], "bank treasury")); !errors.As(err, &refused) || refused.Code != node.NotJoined {
		t.Fatalf("told %v", err)
	}
}

// When those who order have stopped for good, whoever waits is answered at once, with the cause; whoever comes later is
// refused, and a read waits for no block that will not be committed. What was handed over is executed all the same if
// it comes back at the next start, and gets its receipt then.
func TestOrderingThatStopsAnswersWhoWaits(t *testing.T) {
	t.Parallel()
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	paid := o.pay(bank, bob, coins[0], "bank treasury")
	answers := make(chan error, 1)
	go func() {
		_, err := o.node.Submit(context.Background(), paid)
		answers <- err
	}()
	batches := o.order.take()
	if _, err := o.node.ExecuteOrdered(node.Ordered{TimeMillis: sim.StartMillis + 60_000*(o.blocks+1),
		Batches: batches}); err != nil {
		t.Fatal(err)
	}
	o.node.StopOrdering("its disk has failed")
	var refused *token.Error
	if err := <-answers; !errors.As(err, &refused) || refused.Code != node.Undecided ||
		!strings.Contains(refused.Detail, "its disk has failed") {
		t.Fatalf("answered %v", err)
	}
	if _, err := o.node.Submit(t.Context(), o.pay(bank, bob, coins[1], "bank treasury")); !errors.As(err, &refused) || refused.Code != node.Stopped {
		t.Fatalf("answered %v", err)
	}
	err := o.node.View(t.Context(), func(*livestate.State, node.Head) {})
	if !errors.As(err, &refused) || refused.Code != node.Stopped {
		t.Fatalf("a read of what was executed alone: %v", err)
	}
	if err := o.node.Close(); err != nil {
		t.Fatal(err)
	}
	o.open()
	if receipt := o.must(paid); receipt.Height == 0 {
		t.Fatalf("%+v", receipt)
	}
}

// A node that is behind says so (not-joined), and neither refuses a signature by the keys that it knew nor chooses tokens
// that it knows not to be spent; what is too late it refuses for good. Once it is not behind it judges as ever, and who
// waited for tokens gets them.
func TestANodeThatIsBehindDoesNotJudge(t *testing.T) {
	t.Parallel()
	o := newOrdered(t)
	o.config.ReadBound = 100 * time.Millisecond
	if err := o.node.Close(); err != nil {
		t.Fatal(err)
	}
	o.open()
	bank, bob, coins := o.economy()
	forged := o.pay(bank, bob, coins[0], "bob") // whose key may be the bank's by now, for all that it knows
	late := o.world.Pay(bank, o.world.Key("bank treasury"), bob, 1, []token.ID{coins[0]}, 1, sim.StartMillis)
	o.order.behind.Store(true)
	_, err := o.node.Submit(t.Context(), forged)
	if fault.Code(err) != string(node.NotJoined) {
		t.Errorf("by an old key: %v", err)
	}
	if _, err := o.node.Submit(t.Context(), late); fault.Code(err) != string(ledger.Expired) {
		t.Errorf("too late: %v", err)
	}
	if s, err := o.node.Select(t.Context(), bank, 1); fault.Code(err) != string(node.NotJoined) {
		t.Errorf("chosen of what may be spent: %+v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.node.Select(ctx, bank, 1); fault.Code(err) != string(node.NotJoined) {
		t.Errorf("without time: %v", err)
	}
	o.order.behind.Store(false)
	if _, err := o.node.Submit(t.Context(), forged); fault.Code(err) != string(ledger.BadSignature) {
		t.Errorf("by the present key: %v", err)
	}
	if s, err := o.node.Select(t.Context(), bank, 1); err != nil || len(s.Tokens) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// What waits when a node is about to end is answered before its connection is cut, and nothing is taken after.
func TestOrderingThatIsAbandonedTakesNothingMore(t *testing.T) {
	t.Parallel()
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	answers := make(chan error, 1)
	go func() {
		_, err := o.node.Submit(context.Background(), o.pay(bank, bob, coins[0], "bank treasury"))
		answers <- err
	}()
	o.order.take()
	o.node.AbandonOrdered("this node is shutting down")
	var refused *token.Error
	if err := <-answers; !errors.As(err, &refused) || refused.Code != node.Undecided {
		t.Fatalf("answered %v", err)
	}
	if _, err := o.node.Submit(t.Context(), o.pay(bank, bob, coins[1], "bank treasury")); !errors.As(err, &refused) || refused.Code != node.Stopped {
		t.Fatalf("answered %v", err)
	}
}

// Whose transaction no block has, and none will have any more, is told so.
func TestWhoseTimeHasPassedIsTold(t *testing.T) {
	t.Parallel()
	o := newOrdered(t)
	bank, bob, coins := o.economy()
	answers := make(chan error, 1)
	go func() {
		_, err := o.node.Submit(context.Background(), o.pay(bank, bob, coins[0], "bank treasury"))
		answers <- err
	}()
	o.order.take() // and nobody orders it
	o.blocks += 100
	o.block()
	var refused *token.Error
	if err := <-answers; !errors.As(err, &refused) || refused.Code != ledger.Expired {
		t.Fatalf("told %v", err)
	}
}

// Salts follow from the seed, the block and the place, and from nothing else; each is another.
func TestSaltsFollowFromTheSeed(t *testing.T) {
	seen := map[ledger.Salt]bool{}
	for seed := range byte(3) {
		for height := range uint64(3) {
			for i := range 3 {
				salt := node.SaltOf([32]byte{seed}, height, i)
				if salt != node.SaltOf([32]byte{seed}, height, i) || seen[salt] {
					t.Fatalf("salt %x of seed %d, block %d, entry %d", salt, seed, height, i)
				}
				seen[salt] = true
			}
		}
	}
}
