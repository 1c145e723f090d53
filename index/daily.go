package index

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// By is what a series is divided by.
type By int

// The divisions. All is none: one cell, whose name is empty.
const (
	All By = iota
	ByBank
	ByTier
	ByRegion
	ByPurpose
	divisions
)

// Cell is what one day says of one bank, tier, region or purpose. A payment counts to its first payer's; by purpose to
// that of its first output to somebody else, and its value to each output's.
type Cell struct {
	Payments int64
	Value    money.Tiyn // paid to others, in tiyn
	Active   int64      // wallets that paid or were paid; of a purpose at most FewWallets
	Wallets  int64      // that hold money at the day's end; not of a purpose
	Held     money.Tiyn // at the day's end; not of a purpose
}

// FewWallets is how many wallets are few: what fewer did is nobody's business but the authority's.
const FewWallets = 10

// Day is one day of the series: days since 1970 in the network's zone. Days on which nothing was written are left out.
type Day struct {
	Day   uint32
	Cells [divisions]map[string]Cell
}

// Bounds of names: a registrar writes regions as he likes, and an agency registers purposes.
const (
	maxNames = 4096
	others   = "other"
)

// daily is the one daily series of the log: payments, their value, active wallets and what is held, by several
// divisions. It holds a row of every wallet that has money, and can be made again from the log at any time. Balances
// are checked against the ledger at each block, so that a wrong count is found and not shown.
type daily struct {
	mu     sync.Mutex // over all that follows
	failed error      // of reading what is to be counted: tried again
	broken error      // of what was counted: it is not what the ledger says
	saved  uint64     // size of what is on the disk
	places map[dailyClass]uint32
	dailyState

	nets    *Nets    // of the latest payments by several; may be nil
	netting writer   // what the entry under way gave to whom
	due     []Cell   // by class, what the block under way adds to the cells of its day
	changed []uint32 // classes to which something is due; none while nobody counts
}

// dailyState is what is kept on the disk.
type dailyState struct {
	Network token.NetworkID
	Size    uint64 // entries that are counted
	Offset  uint64 // of the network's day, as its genesis says
	Time    uint64 // of the block under way
	Expect  money.Tiyn
	Days    []Day
	Classes []dailyClass
	Wallets map[token.WalletID]dailyWallet
	Few     map[string]map[token.WalletID]bool // of the day under way, by purpose, up to FewWallets
}

// dailyWallet is a wallet's row. There may be millions: what many have alike stands in their class. It is there as long
// as the wallet has money, was registered, or was active.
type dailyWallet struct {
	// place in dailyState.Classes; 0 of a wallet that nobody registered: what the rules hold for somebody
	Class   uint32
	Day     uint32 // on which it was active last
	Balance money.Tiyn
}

// dailyClass is whose a wallet is, and of what kind.
type dailyClass struct {
	Bank   token.WalletID
	Tier   string
	Region string
}

const (
	// The file is the magic, four bytes of checksum (CRC-32C, high byte first) over what follows, and dailyState in
	// gob.
	dailyFile  = "daily"
	dailyMagic = "aqsha daily 1\n"
	dailyMax   = 8 << 30
	dailySave  = 1 << 18 // entries after which it is written to the disk
)

// loadDaily reads the series, or begins it anew: a damaged one, one of another network or of another form is made
// again from the log, which is slower and never wrong. gob leaves out empty maps, so they are put back.
func loadDaily(files vfs.FS, dir string, network token.NetworkID) *daily {
	d := &daily{}
	d.clear(network)
	content, err := durable.Read(files, filepath.Join(dir, dailyFile), dailyMax)
	head := len(dailyMagic) + 4
	if err != nil || len(content) < head || string(content[:len(dailyMagic)]) != dailyMagic {
		return d
	}
	sum := uint32(content[head-4])<<24 | uint32(content[head-3])<<16 | uint32(content[head-2])<<8 |
		uint32(content[head-1])
	var s dailyState
	if crc32.Checksum(content[head:], castagnoli) != sum ||
		gob.NewDecoder(bytes.NewReader(content[head:])).Decode(&s) != nil || s.Network != network ||
		len(s.Classes) == 0 {
		return d
	}
	if s.Wallets == nil {
		s.Wallets = d.Wallets
	}
	if s.Few == nil {
		s.Few = d.Few
	}
	d.dailyState, d.saved = s, s.Size
	for i, c := range s.Classes {
		d.places[c] = uint32(i)
	}
	return d
}

// clear begins the series anew.
func (d *daily) clear(network token.NetworkID) {
	unknown := dailyClass{Tier: others}
	d.dailyState = dailyState{Network: network, Wallets: map[token.WalletID]dailyWallet{},
		Few: map[string]map[token.WalletID]bool{}, Classes: []dailyClass{unknown}}
	d.places, d.saved = map[dailyClass]uint32{unknown: 0}, 0
	d.due, d.changed = nil, nil
}

// class is the place of a class. Classes are never taken away: there are as many as combinations of bank, tier and
// region, far fewer than wallets.
func (d *daily) class(c dailyClass) uint32 {
	place, known := d.places[c]
	if !known {
		place = uint32(len(d.Classes))
		d.places[c], d.Classes = place, append(d.Classes, c)
	}
	return place
}

// save writes the series. Payments wait meanwhile to be counted, not to be executed.
func (d *daily) save(files vfs.FS, dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil { // the next start makes it anew from the log
		if err := durable.Remove(files, filepath.Join(dir, dailyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if d.saved == d.Size {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(dailyMagic + "sum.")
	if err := gob.NewEncoder(&b).Encode(&d.dailyState); err != nil {
		return err
	}
	content, head := b.Bytes(), len(dailyMagic)+4
	sum := crc32.Checksum(content[head:], castagnoli)
	copy(content[head-4:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	if err := durable.Replace(files, filepath.Join(dir, dailyFile), content); err != nil {
		return fmt.Errorf("daily series: %w", err)
	}
	d.saved = d.Size
	return nil
}

// forget drops a series that says more than the log has.
func (d *daily) forget(files vfs.FS, dir string) error {
	if err := durable.Remove(files, filepath.Join(dir, dailyFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.clear(d.Network)
	return nil
}

// count counts an entry, of which nets says what each wallet gained. The caller holds mu. Who a wallet is comes before
// what it gained, so that money counts to its new bank. An error leaves a series that is partly counted.
func (d *daily) count(number uint64, e ledger.Entry, nets map[token.WalletID]money.Tiyn) error {
	if number != d.Size {
		return fmt.Errorf("the daily series stands at %d, not at %d", d.Size, number)
	}
	if e.Leaf != nil {
		if err := d.leaf(e.Leaf); err != nil {
			return err
		}
	}
	if e.Transaction != nil {
		d.people(e.Transaction)
		d.payment(e.Transaction)
	}
	for id, net := range nets { // any order: sums
		if err := d.gains(id, net); err != nil {
			return err
		}
	}
	d.Size = number + 1
	return nil
}

// leaf begins a block: what the one before it left held is what its leaf said.
func (d *daily) leaf(l *ledger.Leaf) error {
	if l.Genesis != nil {
		d.Offset = l.Genesis.Policy.DayOffsetMillis
	}
	if len(d.Days) > 0 {
		d.settle()
		if held := d.today()[All][""].Held; held != d.Expect {
			return fmt.Errorf("before block %d the daily series has %s held, and the ledger %s", l.Height, held,
				d.Expect)
		}
	}
	d.Expect, d.Time = l.Circulating, l.TimeMillis
	if day := uint32((l.TimeMillis + d.Offset) / 86_400_000); len(d.Days) == 0 || day > d.Days[len(d.Days)-1].Day {
		d.begin(day)
	}
	return nil
}

// begin opens a day: what is held goes over from the one before.
func (d *daily) begin(day uint32) {
	next := Day{Day: day}
	for by := range next.Cells {
		next.Cells[by] = map[string]Cell{}
		if len(d.Days) == 0 || By(by) == ByPurpose {
			continue
		}
		for name, c := range d.today()[by] {
			if c.Held != 0 || c.Wallets != 0 {
				next.Cells[by][name] = Cell{Held: c.Held, Wallets: c.Wallets}
			}
		}
	}
	d.Days = append(d.Days, next)
	clear(d.Few)
}

// today are the cells of the latest day.
func (d *daily) today() *[divisions]map[string]Cell { return &d.Days[len(d.Days)-1].Cells }

// add changes the cells of a division for a name. Of more than maxNames names of a day the rest count as one.
func (d *daily) add(by By, name string, change func(c *Cell)) {
	cells := d.today()[by]
	if _, known := cells[name]; !known && len(cells) >= maxNames {
		name = others
	}
	c := cells[name]
	change(&c)
	cells[name] = c
}

// of changes the cells of a wallet's bank, tier and region, and the total: once the block is settled.
func (d *daily) of(w dailyWallet, change func(c *Cell)) {
	for len(d.due) <= int(w.Class) {
		d.due = append(d.due, Cell{})
	}
	c := &d.due[w.Class]
	if *c == (Cell{}) {
		d.changed = append(d.changed, w.Class)
	}
	change(c)
}

// settle brings into the cells what is due to them. Many wallets of a block are of a few classes, so that names are
// looked up for each class and not for each wallet.
func (d *daily) settle() {
	for _, class := range d.changed {
		due, c := d.due[class], d.Classes[class]
		d.due[class] = Cell{} // a class that is named twice has nothing due any more
		add := func(c *Cell) {
			c.Payments += due.Payments
			c.Value += due.Value
			c.Active += due.Active
			c.Wallets += due.Wallets
			c.Held += due.Held
		}
		d.add(All, "", add)
		d.add(ByBank, c.Bank.String(), add)
		d.add(ByTier, c.Tier, add)
		d.add(ByRegion, c.Region, add)
	}
	d.changed = d.changed[:0]
}

// people notes who a wallet is, before what it gained is counted: registered, admitted as a bank, created as a
// contract (which is its creator's bank's), a reserve of bearer cash, changed, or moved to another bank. What it
// already holds moves with it from one class to the other.
func (d *daily) people(tx *token.Transaction) {
	switch t := tx.Body.(type) {
	case *token.Register:
		d.is(token.RegisteredID(tx.ID()), dailyClass{t.Registrar, strconv.Itoa(int(t.Tier)), t.Attributes.Region})
	case *token.Admit:
		id := token.RegisteredID(tx.ID())
		d.is(id, dailyClass{Bank: id, Tier: "treasury"})
	case *token.Create:
		d.is(token.RegisteredID(tx.ID()), dailyClass{Bank: d.classOf(t.Creator).Bank, Tier: "contract"})
	case *token.AnnounceKeyset:
		if t.Reserve == (token.WalletID{}) {
			d.is(token.RegisteredID(tx.ID()), dailyClass{Tier: "reserve"})
		}
	case *token.Update:
		d.is(t.Wallet, dailyClass{d.classOf(t.Wallet).Bank, strconv.Itoa(int(t.Tier)), t.Attributes.Region})
	case *token.Move:
		for _, id := range t.Wallets {
			c := d.classOf(id)
			c.Bank = t.To
			d.is(id, c)
		}
	}
}

// classOf is the class of a wallet, of an unknown one the first.
func (d *daily) classOf(id token.WalletID) dailyClass { return d.Classes[d.Wallets[id].Class] }

// is notes what a wallet is from now on: what it holds goes over to its new cells.
func (d *daily) is(id token.WalletID, c dailyClass) {
	before := d.Wallets[id]
	now := before
	now.Class = d.class(c)
	if before.Balance > 0 {
		d.of(before, func(c *Cell) { c.Held -= before.Balance; c.Wallets-- })
		d.of(now, func(c *Cell) { c.Held += now.Balance; c.Wallets++ })
	}
	d.Wallets[id] = now
}

// payment counts a payment to others. Change that comes back to the payers is no payment.
func (d *daily) payment(tx *token.Transaction) {
	type paid struct {
		purpose uint32
		to      token.WalletID
		amount  money.Tiyn
	}
	var parties []token.WalletID
	var parts []paid
	payers := 1
	switch t := tx.Body.(type) {
	case *token.Transfer:
		parties, payers = t.Parties, t.Payers
		for _, o := range t.Outputs {
			if o.Party >= t.Payers {
				parts = append(parts, paid{o.Asset.Purpose, t.Parties[o.Party], o.Amount})
			}
		}
	case *token.EarmarkedTransfer:
		parties = t.Parties
		for _, o := range t.Outputs {
			if o.Party != 0 {
				parts = append(parts, paid{o.From, t.Parties[o.Party], o.Amount})
			}
		}
	}
	if len(parts) == 0 {
		return
	}
	var value money.Tiyn
	for i, p := range parts {
		value += p.amount
		name := strconv.FormatUint(uint64(p.purpose), 10)
		d.add(ByPurpose, name, func(c *Cell) {
			// A payment of several purposes counts its money to each and itself once, to the first: else payments by
			// purpose would be more than payments.
			if c.Value += p.amount; i == 0 {
				c.Payments++
			}
			c.Active = d.few(name, parties[:payers], p.to)
		})
	}
	d.of(d.Wallets[parties[0]], func(c *Cell) { c.Payments++; c.Value += value })
	for _, id := range parties[:payers] {
		d.active(id)
	}
	for _, p := range parts {
		d.active(p.to)
	}
}

// few is how many wallets had to do with a purpose today, up to FewWallets.
func (d *daily) few(name string, payers []token.WalletID, payee token.WalletID) int64 {
	known := d.Few[name]
	if known == nil {
		known = map[token.WalletID]bool{}
		d.Few[name] = known
	}
	for _, id := range payers {
		if len(known) < FewWallets {
			known[id] = true
		}
	}
	if len(known) < FewWallets {
		known[payee] = true
	}
	return int64(len(known))
}

// active counts a wallet once a day.
func (d *daily) active(id token.WalletID) {
	w, today := d.Wallets[id], d.Days[len(d.Days)-1].Day
	if w.Day == today {
		return
	}
	w.Day = today
	d.Wallets[id] = w
	d.of(w, func(c *Cell) { c.Active++ })
}

// gains books what a wallet gained, or gave. A row that says nothing any more is dropped. A balance below zero means
// that the series and the log disagree: it is broken, and is made again from the log.
func (d *daily) gains(id token.WalletID, net money.Tiyn) error {
	if net == 0 {
		return nil
	}
	w := d.Wallets[id]
	before := w.Balance
	if w.Balance += net; w.Balance < 0 {
		return fmt.Errorf("by the daily series wallet %s holds %s", id, w.Balance)
	}
	d.of(w, func(c *Cell) {
		c.Held += net
		switch {
		case before == 0:
			c.Wallets++
		case w.Balance == 0:
			c.Wallets--
		}
	})
	if w.Balance == 0 && w.Class == 0 && w.Day == 0 {
		delete(d.Wallets, id)
		return nil
	}
	d.Wallets[id] = w
	return nil
}

// counted counts the entries of a block that was indexed just now, if those before it are counted. The caller holds the
// series' mu. An entry that cannot be counted stops here; the ledger and the rest of the index go on.
func (x *Index) counted(first uint64, entries []ledger.Entry) {
	d := x.daily
	if d.broken != nil || d.Size != first {
		return // the one who catches up comes to it
	}
	defer d.settle()
	for i, e := range entries {
		if !x.countOne(first+uint64(i), e) {
			return
		}
	}
}

// countOne counts an entry, or notes why not. The caller holds the series' mu.
func (x *Index) countOne(number uint64, e ledger.Entry) bool {
	d := x.daily
	w := &d.netting
	w.index, w.answering, w.netsAlone, w.remembered = x, true, true, d.nets
	clear(w.nets)
	if d.failed = w.entry(number, e); d.failed != nil {
		return false
	}
	d.broken = d.count(number, e, w.nets)
	return d.broken == nil
}

// catchUpEntries is how many entries are counted before who asks, and the next block, come between.
const catchUpEntries = 512

// catchUp counts what is indexed and not counted yet: after a start, or where the series is begun anew.
func (x *Index) catchUp() {
	for more := x.log != nil; more; {
		more = x.catchUpSome()
		select {
		case <-x.stop:
			return
		default:
		}
	}
}

// catchUpSome counts the next entries that are indexed, and says whether there may be more. They are read in one go:
// reading a single entry takes reading its whole bundle.
func (x *Index) catchUpSome() (more bool) {
	d := x.daily
	d.mu.Lock()
	defer d.mu.Unlock()
	to := min(d.Size+catchUpEntries, x.Size())
	if d.broken != nil || d.Size >= to {
		return false
	}
	defer d.settle()
	for data, err := range x.log.Entries(d.Size, to) {
		var e ledger.Entry
		if err == nil {
			e, err = ledger.DecodeEntry(data)
		}
		if d.failed = err; err != nil || !x.countOne(d.Size, e) {
			return false
		}
	}
	return true
}

// followDaily catches up at the start, and then keeps the series on the disk.
func (x *Index) followDaily() {
	defer x.merging.Done()
	for {
		x.catchUp()
		x.daily.mu.Lock()
		size, saved := x.daily.Size, x.daily.saved
		x.daily.mu.Unlock()
		if size >= saved+dailySave {
			_ = x.daily.save(x.fs, x.dir) // it can be made again: the next time, or from the log
		}
		select {
		case <-x.stop:
			return
		case <-x.grown:
		}
	}
}

// Days returns the days of the series within two, and the size of the log that is counted. A day on which nothing was
// written is there too, with what was held before it. Its maps are copies.
func (x *Index) Days(from, to uint32) (days []Day, size uint64, err error) {
	d := x.daily
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := errors.Join(d.broken, d.failed); err != nil {
		return nil, d.Size, fmt.Errorf("the daily series stands still: %w", err)
	}
	if len(d.Days) == 0 {
		return nil, d.Size, nil
	}
	last := d.Days[len(d.Days)-1].Day
	at := 0
	for day := max(from, d.Days[0].Day); day <= to && day <= last; day++ {
		for at+1 < len(d.Days) && d.Days[at+1].Day <= day {
			at++
		}
		one := Day{Day: day}
		for by, cells := range d.Days[at].Cells {
			// Copies, for the writer goes on changing the last day when the lock is released.
			one.Cells[by] = maps.Clone(cells)
			if d.Days[at].Day == day {
				continue
			}
			for name, c := range one.Cells[by] {
				// Stocks stay from day to day, flows are of their day.
				one.Cells[by][name] = Cell{Wallets: c.Wallets, Held: c.Held}
			}
		}
		days = append(days, one)
	}
	return days, d.Size, nil
}

// DayOf is the network's day of a time.
func (x *Index) DayOf(millis uint64) uint32 {
	x.daily.mu.Lock()
	defer x.daily.mu.Unlock()
	return uint32((millis + x.daily.Offset) / 86_400_000)
}
