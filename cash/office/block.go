package office

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/cash/record"
)

// place is a denomination of a keyset.
type place struct{ keyset, index int }

// gathered is what was issued and redeemed since the last block: pairs without their requests.
type gathered struct {
	issued, redeemed map[place][]record.Pair
	expired          []record.WrittenOff
}

// add takes the notes of an event, without which of them came together.
func (g *gathered) add(e *cash.Event) {
	if g.issued == nil {
		g.issued, g.redeemed = map[place][]record.Pair{}, map[place][]record.Pair{}
	}
	for i := range e.Taken {
		t := &e.Taken[i]
		at := place{int(t.Keyset), int(t.Index)}
		g.redeemed[at] = append(g.redeemed[at], record.NewPair(t.Y, t.C))
	}
	for i := range e.Given {
		n := &e.Given[i]
		at := place{int(n.Keyset), int(n.Index)}
		g.issued[at] = append(g.issued[at], record.NewPair(n.B, n.C))
	}
}

// closedBlock is a block that the journal has closed: all that it is made of.
type closedBlock struct {
	gathered
	close   cash.Close
	at      uint64
	reserve cash.Reserve
	tallies [][]cash.Tally
}

// gather takes what is gathered for a block that the journal closes, as the books stand before the event. The caller
// holds mu, so that no note falls between two blocks.
func (o *Office) gather(e *cash.Event) closedBlock {
	c := closedBlock{gathered: o.block, close: *e.Close, at: e.At, reserve: o.books.Reserve}
	for i := range min(int(e.Close.Keysets), len(o.books.Keys)) {
		c.tallies = append(c.tallies, o.books.Tallies(i))
	}
	o.block = gathered{}
	return c
}

// CloseBlock closes a block and writes it to the log. Nothing in it says which request ended it: the clock did. In
// order: the ledger is asked, the event is decided and queued, it becomes durable, the block is written to the log and
// published, and a new file of the journal is followed by its books.
func (o *Office) CloseBlock(ctx context.Context) error {
	o.closing.Lock()
	defer o.closing.Unlock()
	// Asked of the ledger before the lock of the books is taken: it may take as long as it likes.
	stands, asked := o.compare(ctx)
	o.lookAtKeys(ctx, stands.Keysets)
	o.mu.Lock()
	now := o.now()
	o.forget(now)
	e := &cash.Event{Kind: cash.BlockClosed, At: now, Close: &cash.Close{Number: o.books.Blocks,
		LedgerHeight: o.head.Height, LedgerMillis: o.head.Millis,
		Keysets: uint16(len(o.books.Keys))}}
	// Compared is said only where both speak of one moment: the balance at that height is that of the books now. A
	// payment on its way makes them differ, and the next block may say it.
	if asked && stands.Height >= o.head.Height && stands.Balance == o.books.Reserve.Balance() {
		e.Close.LedgerHeight, e.Close.LedgerMillis, e.Close.Compared = stands.Height, stands.Millis, true
		o.head.Height, o.head.Millis = stands.Height, stands.Millis
	}
	if err := o.expire(stands.Expired, now); err != nil {
		o.mu.Unlock()
		return err
	}
	number, err := o.commit(e)
	var next *rotation
	if err == nil && o.due() {
		next, err = o.rotate()
	}
	o.mu.Unlock()
	if err != nil {
		return err
	}
	// Durable before it is published: a block in the log that a crash took out of the journal would be closed again,
	// with other notes.
	if err := o.writer.wait(ctx, number); err != nil {
		return err
	}
	if err := o.catchUp(); err != nil || next == nil {
		return err
	}
	return o.store(next)
}

// expire writes keysets off whose time is over, if the policy says who gets what is left of them. It is called with
// the lock held, right before a block is closed, which so has the event.
func (o *Office) expire(to string, now uint64) error {
	if to == "" {
		return nil
	}
	for e := o.books.DecideExpiry(to, now); e != nil; e = o.books.DecideExpiry(to, now) {
		if _, err := o.commit(e); err != nil {
			return err
		}
		o.config.Logger.Info("a keyset's time is over", "keyset", o.books.Keys[e.Expired.Keyset].ID, "left_tiyn",
			int64(e.Expired.Amount), "to", to)
	}
	return nil
}

// compareTries is how often the books are brought to the ledger's state before a block is closed without: payments go
// on meanwhile.
const compareTries = 3

// compare settles until the ledger's reserve is that of the books, and returns what the ledger says. Where it cannot
// be asked blocks are closed without: the log says which.
func (o *Office) compare(ctx context.Context) (stands Reserve, asked bool) {
	for range compareTries {
		if err := o.Settle(ctx); err != nil {
			return stands, false
		}
		var err error
		if stands, err = o.config.Ledger.Reserve(ctx); err != nil {
			return stands, false
		}
		o.mu.Lock()
		books, waiting := o.books.Reserve.Balance(), o.books.OnWay()
		o.differs = books != stands.Balance && waiting == 0
		o.mu.Unlock()
		if books == stands.Balance {
			return stands, true
		}
	}
	if o.differs {
		o.config.Logger.Error("the ledger's reserve is not that of the books", "wallet", o.config.Ledger.Wallet(),
			"tiyn", int64(stands.Balance))
	}
	return stands, true
}

// Stamp enters the log's state on the ledger, if that is due.
func (o *Office) Stamp(ctx context.Context) error {
	now := o.now()
	o.mu.Lock()
	due := now >= o.stamped+uint64(o.config.StampEvery/time.Second)
	o.mu.Unlock()
	size, root, _ := o.log.State()
	if !due || size == 0 {
		return nil
	}
	stands, err := o.config.Ledger.Reserve(ctx)
	if err == nil && stands.Stamped < size {
		err = o.config.Ledger.Stamp(ctx, size, root)
	}
	if err == nil {
		o.mu.Lock()
		o.stamped = now
		o.mu.Unlock()
	}
	return err
}

// catchUp writes blocks that the journal has closed and the log has not. It is called by one at a time: when the office
// is opened, and under closing.
func (o *Office) catchUp() error {
	o.mu.Lock()
	closed := o.closed
	o.closed = nil
	o.mu.Unlock()
	for i := range closed {
		c := &closed[i]
		announced := o.announcements(c)
		if err := o.write(c, announced); err != nil {
			return err
		}
	}
	if len(closed) == 0 {
		return nil
	}
	_, err := o.log.Publish()
	return err
}

// announcements are the keysets that a block says first: those that no block before it has.
func (o *Office) announcements(c *closedBlock) (list []record.Announced) {
	keysets := o.keysets.Load()
	for ; o.shown < len(c.tallies); o.shown++ {
		k, file := keysets.ring[o.shown].Keyset, keysets.keys[o.shown]
		k.Until = file.Until // as announced, though it was retired since
		list = append(list, record.Announce(&k, file.Announcement))
	}
	return list
}

// write makes a block of its closed form and commits it to the log.
func (o *Office) write(c *closedBlock, announced []record.Announced) error {
	b, err := o.build(c, announced)
	if err != nil {
		return err
	}
	entries, err := b.Entries()
	if err != nil {
		return err
	}
	batch, err := o.log.Stage(entries)
	if err != nil {
		return err
	}
	return o.log.Commit(batch)
}

// build makes a block. The same closed block makes the same bytes: proofs are deterministic.
func (o *Office) build(c *closedBlock, announced []record.Announced) (*record.Block, error) {
	b := &record.Block{Header: record.Header{Version: record.Version, Network: o.head.Network, Number: c.close.Number,
		Time:         c.at,
		LedgerHeight: c.close.LedgerHeight, LedgerMillis: c.close.LedgerMillis, Reserve: c.reserve,
		Wallet: o.config.Ledger.Wallet(), Keysets: announced, Compared: c.close.Compared, Expired: c.expired}}
	for keyset, tallies := range c.tallies {
		for index, tally := range tallies {
			at := place{keyset, index}
			issued, redeemed := c.issued[at], c.redeemed[at]
			if len(issued)+len(redeemed) == 0 {
				continue
			}
			set := o.keysets.Load().ring[keyset]
			l := record.List{Keyset: uint16(keyset), Amount: set.Amounts[index]}
			var err error
			if l.Issued, err = o.side(b, set, index, 'I', issued, tally.Issued); err != nil {
				return nil, err
			}
			if l.Redeemed, err = o.side(b, set, index, 'R', redeemed, tally.Redeemed); err != nil {
				return nil, err
			}
			b.Header.Lists = append(b.Header.Lists, l)
			b.Issued, b.Redeemed = append(b.Issued, issued), append(b.Redeemed, redeemed)
		}
	}
	return b, nil
}

// side sorts a list and proves it. Sorted, the list does not say in which order notes came.
func (o *Office) side(b *record.Block, set *cash.Signing, index int, kind byte, pairs []record.Pair,
	total uint64) (s record.Side, err error) {
	s.Count, s.Total = uint32(len(pairs)), total
	if len(pairs) == 0 {
		return s, nil
	}
	slices.SortFunc(pairs, func(x, y record.Pair) int { return bytes.Compare(x[:], y[:]) })
	ins, outs := make([]curve.Point, len(pairs)), make([]curve.Point, len(pairs))
	for i := range pairs {
		if ins[i], outs[i], err = pairs[i].Points(); err != nil {
			return s, err
		}
	}
	context := record.Context(b.Header.Network, b.Header.Number, set.ID, set.Amounts[index], kind)
	proof, err := set.Signers[index].ProveBlock(context, ins, outs)
	if err != nil {
		return s, err
	}
	e, r := proof.E.Bytes(), proof.S.Bytes()
	s.Proof = append(e[:], r[:]...)
	return s, nil
}

// Origin is the log's.
func (o *Office) Origin() string { return o.config.Origin }
