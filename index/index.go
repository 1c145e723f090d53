package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Keys of the store. Numbers are big-endian, so that they sort.
//
//	o ‖ token id[:16]               → entry (8) ‖ wallet (16) ‖ amount (8): where a token was made
//	t ‖ transaction id[:16]         → entry (8)
//	w ‖ wallet (16) ‖ entry (8)     → net amount (8, two's complement)
//	s                               → size (8) ‖ network (32): how far the index has come, of which log
const (
	keyOutput      = 'o'
	keyTransaction = 't'
	keyWallet      = 'w'
	keySize        = 's'

	prefixBytes = 16 // of a 32-byte id: enough to find it, and the entry found is compared in full
)

// Index is an open index. Add is called by one goroutine; questions may come from anywhere.
type Index struct {
	db      *pebble.DB
	network token.NetworkID
	size    counter
}

// Open opens the index of a network's log, or begins one. An index of another log is an error.
func Open(dir string, network token.NetworkID) (*Index, error) {
	db, err := pebble.Open(dir, storeOptions())
	if err != nil {
		return nil, fmt.Errorf("index in %s: %w", dir, err)
	}
	x := &Index{db: db, network: network}
	value, closer, err := db.Get([]byte{keySize})
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return nil, errors.Join(err, db.Close())
	default:
		value = append([]byte(nil), value...)
		if err := closer.Close(); err != nil { // before the store is closed, which insists on it
			return nil, errors.Join(err, db.Close())
		}
		if len(value) != 40 || token.NetworkID(value[8:]) != network {
			return nil, errors.Join(fmt.Errorf("index in %s is of another network; delete it to rebuild", dir), db.Close())
		}
		x.size.set(binary.BigEndian.Uint64(value))
	}
	return x, nil
}

// memTableBytes lets random keys gather before they are sorted into files.
const memTableBytes = 64 << 20

// storeOptions: no write-ahead log, because what a crash loses is indexed again from the log; a flush keeps
// a prefix of what was written, the size included.
func storeOptions() *pebble.Options {
	return &pebble.Options{
		Logger: quiet{}, DisableWAL: true, MemTableSize: memTableBytes, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 8, L0StopWritesThreshold: 64, LBaseMaxBytes: 256 << 20,
	}
}

// quiet keeps the store from writing to the process's log.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("index store: "+format, args...))
}

// Close keeps what was indexed and releases the store. Without the flush, having no write-ahead log,
// each start would index again all that never filled a memory table.
func (x *Index) Close() error { return errors.Join(x.db.Flush(), x.db.Close()) }

// Size is how many entries of the log are indexed.
func (x *Index) Size() uint64 { return x.size.get() }

// Block indexes a block's entries, whose first has the given number in the log.
func (x *Index) Block(first uint64, entries [][]byte) error {
	if first != x.Size() {
		return fmt.Errorf("index stands at %d, not at %d", x.Size(), first)
	}
	batch := &writer{index: x, batch: x.db.NewIndexedBatch()}
	defer batch.batch.Close()
	for i, data := range entries {
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return fmt.Errorf("entry %d: %w", first+uint64(i), err)
		}
		if err := batch.entry(first+uint64(i), e); err != nil {
			return fmt.Errorf("entry %d: %w", first+uint64(i), err)
		}
	}
	size := first + uint64(len(entries))
	batch.set([]byte{keySize}, append(binary.BigEndian.AppendUint64(nil, size), x.network[:]...))
	if batch.err != nil {
		return batch.err
	}
	if err := batch.batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	x.size.set(size)
	return nil
}

// Output is where a token was made, for whom and how much.
type Output struct {
	Entry  uint64
	Wallet token.WalletID
	Amount money.Tiyn
}

// Output finds where a token was made, live or spent.
func (x *Index) Output(id token.ID) (Output, bool, error) { return output(x.db, id) }

func output(r pebble.Reader, id token.ID) (o Output, found bool, err error) {
	value, closer, err := r.Get(append([]byte{keyOutput}, id[:prefixBytes]...))
	if errors.Is(err, pebble.ErrNotFound) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	defer closer.Close()
	o.Entry = binary.BigEndian.Uint64(value)
	copy(o.Wallet[:], value[8:])
	o.Amount = money.Tiyn(binary.BigEndian.Uint64(value[24:]))
	return o, true, nil
}

// Transaction finds the entry of a transaction.
func (x *Index) Transaction(id token.TransactionID) (entry uint64, found bool, err error) {
	value, closer, err := x.db.Get(append([]byte{keyTransaction}, id[:prefixBytes]...))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer closer.Close()
	return binary.BigEndian.Uint64(value), true, nil
}

// Item is a line of a wallet's history.
type Item struct {
	Entry uint64
	Net   money.Tiyn // what it received less what it gave; zero for a change of the wallet itself
}

// History lists up to most entries that touch a wallet and stand before an entry, the latest first.
func (x *Index) History(wallet token.WalletID, before uint64, most int) ([]Item, error) {
	lower := append([]byte{keyWallet}, wallet[:]...)
	upper := binary.BigEndian.AppendUint64(append([]byte(nil), lower...), before)
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	var items []Item
	for ok := it.Last(); ok && len(items) < most; ok = it.Prev() {
		items = append(items, Item{
			Entry: binary.BigEndian.Uint64(it.Key()[len(lower):]),
			Net:   money.Tiyn(binary.BigEndian.Uint64(it.Value())),
		})
	}
	return items, errors.Join(it.Error(), it.Close())
}
