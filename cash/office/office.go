package office

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Config of an office. Dir, Ledger, Origin and Signer are required.
type Config struct {
	Dir    string
	FS     vfs.FS // nil is vfs.OS
	Ledger Ledger
	Origin string      // of the cash log
	Signer note.Signer // of its checkpoints
	// Max is the largest operation with the ledger; Cap, if not 0, is what may circulate.
	Max money.Tiyn
	Cap money.Tiyn
	// Interval is after how long a block is closed; Retry is how long repeated requests get the same answer.
	Interval time.Duration
	Retry    time.Duration
	// StampEvery is after how long the log's state is entered on the ledger; 0 is half an hour.
	StampEvery time.Duration
	Now        func() time.Time // nil is time.Now
	Entropy    io.Reader        // nil is crypto/rand
	Logger     *slog.Logger
	// Background runs the log's work that follows a commit; nil runs it in a goroutine.
	Background func(work func())
}

// Office is a running cash office.
type Office struct {
	// Set by Open, and not changed after; writer and log have locks of their own.
	config Config
	files  vfs.FS
	writer *writer
	log    *txlog.Log

	mu       sync.Mutex // guards what follows
	books    *cash.Books
	answers  map[[32]byte]uint64 // requests that were executed, and when: a repeat carries what it is answered with
	block    gathered            // since the last block that was closed
	closed   []closedBlock       // closed in the journal, not yet in the log
	head     Head
	shown    int    // keysets that blocks have announced
	booked   uint64 // blocks that the log had when it was opened
	closedAt uint64 // when the last block was closed
	stamped  uint64 // when the log's state was entered on the ledger
	differs  bool   // the ledger's reserve was not that of the books when nothing was on its way
	file     journalFile
	refusals map[string]string // why the ledger refused a melt's payment, by quote
	returned returns           // what was sent back of late
	delayed  money.Tiyn        // what is to be sent back and waits for another day, as told last

	joined  joined                  // the check of notes
	keysets atomic.Pointer[keysets] // what is written under mu; readers take what stands

	settling sync.Mutex // one settlement at a time: a poll settles nothing
	closing  sync.Mutex // one block at a time
	nudge    chan struct{}
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// complete fills in what is left out.
func (c *Config) complete() error {
	if c.Ledger == nil || c.Signer == nil || c.Origin == "" || c.Dir == "" {
		return errors.New("an office needs a directory, a ledger, an origin and a signer")
	}
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.Max <= 0 {
		c.Max = 1_297_500 // 3 monthly calculation indices of 2026, the law's limit for unidentified electronic money
	}
	if c.Interval <= 0 {
		c.Interval = time.Minute
	}
	if c.StampEvery <= 0 {
		c.StampEvery = 30 * time.Minute
	}
	if c.Retry <= 0 {
		c.Retry = 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Entropy == nil {
		c.Entropy = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Open opens an office, or begins one, and finishes what a crash left half done, but for what needs the ledger: Run
// does that.
func Open(ctx context.Context, c Config) (*Office, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := durable.Folder(c.FS, c.Dir); err != nil {
		return nil, err
	}
	o := &Office{config: c, files: c.FS, books: cash.NewBooks(), answers: map[[32]byte]uint64{},
		refusals: map[string]string{},
		nudge:    make(chan struct{}, 1)}
	o.keysets.Store(&keysets{})
	o.joined.keys, o.joined.entropy = func() cash.Keyring { return o.keysets.Load().ring }, c.Entropy
	if err := o.open(ctx); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// open takes up the ledger's head, keysets, log and journal, in this order: books have a shelf for each keyset before
// events name it, and how many blocks the log has says which closed ones are to be written.
func (o *Office) open(ctx context.Context) (err error) {
	if o.head, err = o.config.Ledger.Head(ctx); err != nil {
		return fmt.Errorf("asking the ledger: %w", err)
	}
	waits, err := o.firstKeysets(ctx)
	if err != nil {
		return err
	}
	o.closedAt = o.now()
	o.log, err = txlog.Open(filepath.Join(o.config.Dir, "log"), txlog.Options{Origin: o.config.Origin,
		Signers: []note.Signer{o.config.Signer},
		FS:      o.files, SegmentBytes: 8 << 20, Background: o.config.Background})
	if err != nil {
		return err
	}
	o.booked = o.log.Heights()
	if err := o.openRecords(); err != nil {
		return errors.Join(err, waits) // of a keyset that this ledger does not know: it is another, or lost entries
	}
	if o.books.Blocks < o.booked { // a block is closed in the journal before it is in the log
		return &StaleJournalError{Journal: o.books.Blocks, Log: o.booked}
	}
	if err := o.catchUp(); err != nil {
		return err
	}
	run, stop := context.WithCancel(context.Background())
	o.stop = stop
	o.done.Go(func() { o.writer.run(run) })
	return nil
}

// StaleJournalError means that the public log has blocks that the journal does not know: the journal is lost, or an
// older one was put back. An office that went on would redeem notes again which the log shows as redeemed.
type StaleJournalError struct{ Journal, Log uint64 }

func (e *StaleJournalError) Error() string {
	return fmt.Sprintf("the public log has %d blocks, and the journal knows of %d: it is lost, or an older one was "+
		"put back. Bring back the newest journal-* files; without them the office must not run, as it would redeem "+
		"again what was redeemed", e.Log, e.Journal)
}

// replay applies an event of the journal. Nobody has the office yet.
func (o *Office) replay(e *cash.Event) error {
	if err := o.apply(e); err != nil {
		return err
	}
	o.remember(e)
	return nil
}

// apply books an event and gathers it for the block. It is called with the lock held, or before anybody has the office.
func (o *Office) apply(e *cash.Event) error {
	if e.Kind == cash.BlockClosed {
		o.closedAt = e.At
		if c := o.gather(e); e.Close.Number >= o.booked {
			o.closed = append(o.closed, c)
		} else {
			o.shown = len(c.tallies)
		}
	}
	o.returned.count(e, o.books)
	if err := o.books.Apply(e); err != nil {
		return err
	}
	switch e.Kind {
	case cash.Swapped, cash.Minted, cash.MeltPaid:
		o.block.add(e)
	case cash.KeysetExpired:
		o.block.expired = append(o.block.expired, record.WrittenOff{Keyset: e.Expired.Keyset, Amount: e.Expired.Amount})
	}
	return nil
}

// remember keeps that a request was executed. A melt that lapsed may be tried anew by the same request.
func (o *Office) remember(e *cash.Event) {
	if len(e.Request) == 32 {
		o.answers[[32]byte(e.Request)] = e.At
	}
}

// forget drops answers that are older than the retry window. It is called with the lock held.
func (o *Office) forget(now uint64) {
	// any order: each is judged by itself
	for key, at := range o.answers {
		if at+uint64(o.config.Retry/time.Second) < now {
			delete(o.answers, key)
		}
	}
}

// commit applies an event that was decided under the lock, which the caller holds, and queues it for the journal. The
// number is what to wait for before anybody is told of it.
func (o *Office) commit(e *cash.Event) (uint64, error) {
	number, err := o.writer.put(e)
	if err != nil {
		return 0, err
	}
	if err := o.apply(e); err != nil {
		// The event was decided on these very books: this is a broken invariant, and the journal has it already.
		panic(fmt.Sprintf("cash office: %v does not fit its own books: %v", e, err))
	}
	o.remember(e)
	return number, nil
}

// Run keeps the office at work until the context ends: it reads the ledger, settles payments and closes blocks.
func (o *Office) Run(ctx context.Context) error {
	settle := time.NewTicker(min(time.Second, o.config.Interval))
	defer settle.Stop()
	for {
		if o.blockDue() { // by the clock, not by how long this process runs: who is restarted often closes blocks too
			if err := o.CloseBlock(ctx); err != nil {
				return err
			}
			if err := o.Stamp(ctx); err != nil && ctx.Err() == nil {
				o.config.Logger.Warn("entering the log's state on the ledger", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-settle.C:
		case <-o.nudge:
		}
		if err := o.Settle(ctx); err != nil && ctx.Err() == nil {
			o.config.Logger.Warn("settling with the ledger", "error", err)
		}
		if err := o.writer.err(); err != nil {
			return err
		}
	}
}

// blockDue says whether the interval since the last block is over.
func (o *Office) blockDue() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now() >= o.closedAt+uint64(o.config.Interval/time.Second)
}

// Show is the receipt of a keyset's announcement, or nil.
func (o *Office) Show(keyset int) []byte { return o.keysets.Load().shows[keyset] }

// Reserve is the wallet of the ledger that backs the notes.
func (o *Office) Reserve() string { return o.config.Ledger.Wallet() }

// Network is the ledger's.
func (o *Office) Network() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.head.Network
}

// Nudge has Run look at the ledger now.
func (o *Office) Nudge() {
	select {
	case o.nudge <- struct{}{}:
	default:
	}
}

// Close ends the office: what is queued becomes durable. Run must have ended.
func (o *Office) Close() error {
	if o.stop != nil {
		o.stop()
		o.done.Wait()
	}
	var err error
	if o.log != nil {
		err = o.log.Close()
	}
	if o.writer != nil {
		err = errors.Join(err, o.writer.journal.Close())
	}
	return err
}

// Log is the public log.
func (o *Office) Log() *txlog.Log { return o.log }

// Changed is closed when something changed.
func (o *Office) Changed() <-chan struct{} { return o.writer.Changed() }

// Retry is how long repeated requests get the same answer.
func (o *Office) Retry() time.Duration { return o.config.Retry }

// now is the office's time in Unix seconds.
func (o *Office) now() uint64 { return uint64(o.config.Now().Unix()) }

// Status is what an office is at.
type Status struct {
	Reserve     cash.Reserve `json:"reserve"`
	Outstanding money.Tiyn   `json:"outstanding"`
	Spent       int          `json:"spent"`
	Signed      int          `json:"signed"`
	Blocks      uint64       `json:"blocks"`
	Pending     int          `json:"pending"`
	// Differs says that the ledger's reserve is not that of the books.
	Differs bool `json:"reserve_differs,omitempty"`
}

// Status says it.
func (o *Office) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	spent, signed := o.books.SizeOf()
	melts, backs := o.books.Waiting()
	return Status{o.books.Reserve, o.books.Outstanding(), spent, signed, o.books.Blocks, len(melts) + len(backs),
		o.differs}
}
