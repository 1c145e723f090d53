package payments

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// fakeNode is a node's answers about blocks; what it is sent it keeps.
type fakeNode struct {
	mu    sync.Mutex
	chain []*wire.MsgBlock // by height
	stale []*wire.MsgBlock // beside the chain
	reads int              // blocks that were asked for
	*bitcoin.Client
}

func newNode(t *testing.T, blocks []*wire.MsgBlock) *fakeNode {
	t.Helper()
	n := &fakeNode{chain: blocks}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     uint64
			Method string
			Params []any
		}
		_ = json.NewDecoder(r.Body).Decode(&call)
		result, code := n.answer(call.Method, call.Params)
		answer := map[string]any{"id": call.ID, "result": result}
		if code != 0 {
			answer["error"] = map[string]any{"code": code, "message": "no"}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	client, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	n.Client = client
	return n
}

func (n *fakeNode) answer(method string, params []any) (result any, code int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if method == "getblockhash" {
		height, _ := params[0].(float64)
		if int(height) >= len(n.chain) {
			return nil, -8
		}
		return n.chain[int(height)].BlockHash().String(), 0
	}
	if method != "getblock" && method != "getblockheader" {
		return nil, -32601
	}
	for _, b := range slices.Concat(n.chain, n.stale) {
		if b.BlockHash().String() != params[0] {
			continue
		}
		var raw bytes.Buffer
		if method == "getblockheader" {
			_ = b.Header.Serialize(&raw)
		} else {
			n.reads++
			_ = b.Serialize(&raw)
		}
		return hex.EncodeToString(raw.Bytes()), 0
	}
	return nil, -5
}

// grow puts blocks on a chain, the first of them with some transactions. What tells branches apart is n.
func grow(below []*wire.MsgBlock, count int, n uint32, first ...*wire.MsgTx) []*wire.MsgBlock {
	blocks := slices.Clone(below)
	for i := range count {
		b := wire.NewMsgBlock(&wire.BlockHeader{Version: 1, Nonce: n,
			Timestamp: time.Unix(1_700_000_000+int64(len(blocks))*600, 0)})
		if len(blocks) > 0 {
			b.Header.PrevBlock = blocks[len(blocks)-1].BlockHash()
		}
		coinbase := wire.NewMsgTx(2)
		coinbase.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1<<32 - 1}, []byte{byte(len(blocks)), byte(n)}, nil))
		coinbase.AddTxOut(wire.NewTxOut(50, []byte{0x51}))
		_ = b.AddTransaction(coinbase)
		if i == 0 {
			for _, tx := range first {
				_ = b.AddTransaction(tx)
			}
		}
		var ids []bitcoin.Hash
		for _, tx := range b.Transactions {
			ids = append(ids, bitcoin.Hash(tx.TxHash()))
		}
		b.Header.MerkleRoot = chainhash.Hash(bitcoin.MerkleRoot(ids))
		blocks = append(blocks, b)
	}
	return blocks
}

// spend makes a transaction of coins, each told by a number, that pays amounts to users 1, 2 and so on.
func spend(coins []uint32, amounts ...int64) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	for _, c := range coins {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{9}, Index: c}, nil, nil))
	}
	for i, a := range amounts {
		tx.AddTxOut(wire.NewTxOut(a, script(uint64(i+1))))
	}
	return tx
}

func script(user uint64) []byte { return []byte{0x52, byte(user)} }

func draftOf(tx *wire.MsgTx, fee money.Satoshi) *wallet.Draft {
	var raw bytes.Buffer
	_ = tx.Serialize(&raw)
	return &wallet.Draft{Raw: raw.Bytes(), ID: bitcoin.Hash(tx.TxHash()), Fee: fee}
}

// payment of 100 and 200 satoshi to users 1 and 2.
func payment(sent ...*wallet.Draft) *accounting.Payment {
	p := &accounting.Payment{Payment: &sharelog.Payment{Number: 1, Payees: []sharelog.Payee{{User: 1, Amount: 100},
		{User: 2, Amount: 200}}}}
	for _, d := range sent {
		p.Sent = append(p.Sent, &sharelog.Sent{Number: 1, TxID: d.ID, Fee: d.Fee, Height: d.Height})
	}
	return p
}

// What a block makes of an open payment is decided by its coins and by who is paid, not by who has signed.
func TestWhatABlockMakesOfAPayment(t *testing.T) {
	own := spend([]uint32{1}, 100, 200, 690)
	first := draftOf(own, 10)
	raised := draftOf(spend([]uint32{1, 2}, 100, 200, 1650), 40)
	other := spend([]uint32{7}, 5)
	for _, c := range []struct {
		name    string
		tx      *wire.MsgTx
		found   bool
		outcome uint64
		fee     money.Satoshi
	}{
		{"the first transaction", own, true, sharelog.OutcomeConfirmed, 10},
		{"the one with the higher fee", spend([]uint32{1, 2}, 100, 200, 1650), true, sharelog.OutcomeConfirmed, 40},
		{"raised by hand: the payees are paid", spend([]uint32{1}, 100, 200, 600), true, sharelog.OutcomeConfirmed, 100},
		{"by hand, with the outputs in another order", func() *wire.MsgTx {
			tx := spend([]uint32{1}, 100, 200, 600)
			slices.Reverse(tx.TxOut)
			return tx
		}(), true, sharelog.OutcomeConfirmed, 100},
		{"its coin went elsewhere", spend([]uint32{1}, 990), true, sharelog.OutcomeConflicted, 0},
		{"one payee is left out", spend([]uint32{1}, 100, 890), true, sharelog.OutcomeConflicted, 0},
		{"only what was added for the fee is spent", spend([]uint32{2}, 990), false, 0, 0},
		{"another's transaction", other, false, 0, 0},
	} {
		block := grow(nil, 1, 1, other, c.tx)[0]
		at := &sighting{first: 3, next: 5, bumped: 4}
		at.look(payment(first, raised), []*wallet.Draft{first, raised}, block, bitcoin.Hash{5})
		if at.found != c.found || at.outcome != c.outcome || at.fee != c.fee {
			t.Errorf("%s: found %v, outcome %d, fee %d", c.name, at.found, at.outcome, at.fee)
		}
		if c.found && (at.height != 5 || at.block != bitcoin.Hash{5} || at.bumped != 4 || at.first != 3 ||
			at.txID != bitcoin.Hash(c.tx.TxHash())) {
			t.Errorf("%s: %+v", c.name, at)
		}
	}
}

// Two payees of one amount and one address want two outputs.
func TestPayeesArePaidSeverally(t *testing.T) {
	want := []*wire.TxOut{wire.NewTxOut(7, script(1)), wire.NewTxOut(7, script(1))}
	one, two := wire.NewMsgTx(2), wire.NewMsgTx(2)
	one.AddTxOut(want[0])
	two.AddTxOut(want[0])
	two.AddTxOut(want[1])
	if hasOutputs(one, want) || !hasOutputs(two, want) || hasOutputs(two, nil) {
		t.Error("an output is counted for two payees, or nobody is paid and that is enough")
	}
}

// What a node's wallet said of a fee does not count: a replacement of other coins too has an unknown fee, at least none.
func TestTheFeeOfAReplacement(t *testing.T) {
	first := draftOf(spend([]uint32{1}, 100, 200, 690), 10)
	if fee := feeOfReplacement(spend([]uint32{1}, 100, 200, 500), first); fee != 200 {
		t.Errorf("the fee is %d, want 200", fee)
	}
	if fee := feeOfReplacement(spend([]uint32{1, 8}, 100, 200, 5000), first); fee != 0 {
		t.Errorf("the fee is %d of a transaction with coins that are not known", fee)
	}
}

// A child's fee belongs to the payment whose change it spends.
func TestAChildsFee(t *testing.T) {
	parent := spend([]uint32{1}, 100, 200, 690)
	child := wire.NewMsgTx(2)
	child.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: parent.TxHash(), Index: 2}, nil, nil))
	child.AddTxOut(wire.NewTxOut(600, script(9)))
	kept := draftOf(child, 90)
	kept.Parent = bitcoin.Hash(parent.TxHash())
	byHand := child.Copy()
	byHand.TxOut[0].Value = 500
	for name, c := range map[string]struct {
		tx   *wire.MsgTx
		done bool
		fee  money.Satoshi
	}{"the child": {child, true, 90}, "otherwise spent": {byHand, true, 0}, "not spent": {spend([]uint32{3}, 1), false, 0}} {
		at := &sighting{found: true, txID: kept.Parent}
		at.lookForChild([]*wallet.Draft{kept}, grow(nil, 1, 1, c.tx)[0])
		if at.childDone != c.done || at.childFee != c.fee {
			t.Errorf("%s: done %v, fee %d", name, at.childDone, at.childFee)
		}
	}
	later := *kept
	later.Fee = 120
	if newestChild([]*wallet.Draft{kept, &later}, kept.Parent) != &later || newestChild(nil, kept.Parent) != nil ||
		newestChild([]*wallet.Draft{kept}, bitcoin.Hash{1}) != nil {
		t.Error("the newest child is another")
	}
}

// The chain is read once, from where the payment may be, and anew from the fork when it becomes another.
func TestTheChainIsReadOnce(t *testing.T) {
	tx := spend([]uint32{1}, 100, 200, 690)
	draft := draftOf(tx, 10)
	base := grow(nil, 130, 1)
	draft.Height, draft.Tip = 129, bitcoin.Hash(base[129].BlockHash())
	n := newNode(t, grow(base, 3, 1))
	p := &Payments{nodes: chain.New([]*bitcoin.Client{n.Client})}
	open, at := payment(draft), &sighting{}
	read := func(tip uint64) int {
		t.Helper()
		before := n.reads
		if err := p.readChain(t.Context(), open, []*wallet.Draft{draft}, nil, at, tip); err != nil {
			t.Fatal(err)
		}
		return n.reads - before
	}
	if blocks := read(132); blocks != 3 || at.found {
		t.Errorf("%d blocks were read above the tip that the payment was made on, found %v", blocks, at.found)
	}
	if blocks := read(132); blocks != 0 {
		t.Errorf("%d blocks were read again", blocks)
	}
	n.chain = grow(n.chain, 2, 1, tx)
	if blocks := read(134); blocks != 2 || !at.found || at.height != 133 {
		t.Errorf("%d new blocks were read, found %v at %d", blocks, at.found, at.height)
	}
	// A longer branch that leaves the chain below the draft's tip has the payment lower down.
	n.stale = n.chain
	n.chain = grow(grow(base[:125], 1, 2), 12, 2, tx)
	if blocks := read(137); blocks != 13 || !at.found || at.height != 126 {
		t.Errorf("%d blocks of the new branch were read, found %v at %d", blocks, at.found, at.height)
	}
	// And one that is shorter than what was read is not taken for an error.
	n.stale = append(n.stale, n.chain...)
	n.chain = grow(base[:125], 6, 3)
	if read(130); at.found || at.next != 131 {
		t.Errorf("found %v on a branch that does not have it; read up to %d", at.found, at.next)
	}
}

// Without a draft the chain is read from where the payment was sent, or two weeks back.
func TestWhereAPaymentIsLookedFor(t *testing.T) {
	base := grow(nil, 140, 1)
	n := newNode(t, base)
	draft := draftOf(spend([]uint32{1}, 100, 200), 10)
	sent := payment(draft)
	sent.Sent[0].Height = 120
	old := draftOf(spend([]uint32{1}, 100, 200), 10)
	old.Height = 118
	tips := draftOf(spend([]uint32{1}, 100, 200), 10)
	tips.Height, tips.Tip = 110, bitcoin.Hash(base[110].BlockHash())
	for _, c := range []struct {
		name   string
		open   *accounting.Payment
		drafts []*wallet.Draft
		tip    uint64
		want   uint64
	}{
		{"sent, draft lost", sent, nil, 139, 21},
		{"a draft of before, without the tip's hash", sent, []*wallet.Draft{old}, 139, 19},
		{"a draft on a tip of the chain", sent, []*wallet.Draft{tips}, 139, 111},
		{"nothing known", payment(), nil, 10_000, 10_001 - unknownAge - chain.Shallow},
		{"nothing known, young chain", payment(), nil, 139, 1},
	} {
		got, err := searchFrom(t.Context(), n.Client, c.open, c.drafts, c.tip)
		if err != nil || got != c.want {
			t.Errorf("%s: from %d, want %d (%v)", c.name, got, c.want, err)
		}
	}
}

// What has become of a settled payment after a deep reorganisation.
func TestWhatADeepReorganisationMakesOfAPayment(t *testing.T) {
	p := &Payments{scriptOf: script}
	paid := spend([]uint32{1}, 100, 200, 690)
	given := draftOf(spend([]uint32{1}, 100, 200, 650), 50)
	one := payment(draftOf(paid, 10), given)
	one.Settled = &sharelog.Settled{Number: 1, Outcome: sharelog.OutcomeConfirmed, TxID: bitcoin.Hash(paid.TxHash()),
		Fee: 10}
	lost := &lostTx{tx: paid}
	for _, c := range []struct {
		name    string
		tx      *wire.MsgTx
		lost    *lostTx
		changes bool
		outcome uint64
		fee     money.Satoshi
	}{
		{"in another block", paid, lost, true, sharelog.OutcomeConfirmed, 10},
		{"one of its own that was given up", spend([]uint32{1}, 100, 200, 650), lost, true, sharelog.OutcomeConfirmed, 50},
		{"spent otherwise", spend([]uint32{1}, 5), lost, true, sharelog.OutcomeConflicted, 0},
		{"by hand, to the same payees", spend([]uint32{1}, 100, 200, 1), lost, true, sharelog.OutcomeConfirmed, 10},
		{"another's", spend([]uint32{4}, 100, 200, 1), lost, false, 0, 0},
		{"spent otherwise, and what was lost cannot be read", spend([]uint32{1}, 5), nil, false, 0, 0},
		{"a coinbase spends nothing", spend([]uint32{1}, 5), &lostTx{tx: paid, coinbase: true}, false, 0, 0},
	} {
		now := p.outcomeIn(grow(nil, 1, 1, c.tx)[0], one, c.lost)
		if (now != nil) != c.changes || now != nil && (now.Outcome != c.outcome || now.Fee != c.fee ||
			now.TxID != bitcoin.Hash(c.tx.TxHash())) {
			t.Errorf("%s: %+v", c.name, now)
		}
	}
	if one.Settled.Outcome != sharelog.OutcomeConfirmed {
		t.Error("what was settled has been changed in place")
	}
	// A payment that was recovered from the chain has paid its users more than the log owed them.
	one.Recovered = &sharelog.Recovered{}
	one.Payees[0].Debt = 40
	if p.paysAllOf(spend([]uint32{1}, 100, 200), one) || !p.paysAllOf(spend([]uint32{1}, 140, 200), one) {
		t.Error("what was paid beyond the debt is not part of the payment")
	}
	one.Payees[0].Debt = 0
}

// The message to an operator names a few transactions, and what to do.
func TestWhatTheLogMissesIsNamed(t *testing.T) {
	found := founds(5)
	text := missingText(found)
	for _, want := range []string{"coinbase " + found[0].ID.String(), "payment " + found[1].ID.String(), "in block 7",
		"and 2 more", "aqsha pool restore"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if strings.Contains(text, found[3].ID.String()) {
		t.Error("more than three are named")
	}
}
