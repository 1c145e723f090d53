package bench

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/mod/sumdb/note"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve/speed"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Result is what was measured. Ratios are of one run.
type Result struct {
	speed.Report
	// SwapOverLimit is notes swapped a second, durable, in this process, of what the curve's arithmetic alone did on
	// all cores in turns between.
	SwapOverLimit float64 `json:"swap_over_limit"`
	// the same through HTTP with JSON, one note each, the clients beside it
	HTTPSwapOverLimit float64 `json:"http_swap_over_limit"`
	HTTPSwaps         float64 `json:"http_swaps_per_second"`
	SpentBytes        float64 `json:"memory_bytes_per_spent_note"`
	SignedBytes       float64 `json:"memory_bytes_per_signed_note"`
	RestartOverRead   float64 `json:"restart_over_reading"`
	LogBytes          float64 `json:"log_bytes_per_note"` // in and out
	Notes             int     `json:"notes"`
	Cores             int     `json:"cores"`
}

// Options are the sizes of a measurement; zeros are those that figures are published of.
type Options struct {
	SwapNotes  int // notes of a swap, 200
	SwapRounds int // rounds of swaps, 5
	HTTPRounds int // rounds of swaps through HTTP, 5
	BooksNotes int // notes that the books remember, 5,000,000
}

func (o Options) complete() Options {
	o.SwapNotes, o.SwapRounds = cmp.Or(o.SwapNotes, 200), cmp.Or(o.SwapRounds, 5)
	o.HTTPRounds, o.BooksNotes = cmp.Or(o.HTTPRounds, 5), cmp.Or(o.BooksNotes, 5_000_000)
	return o
}

// Measure measures an office in this process, beside the curve's arithmetic on the same cores, in turns.
func Measure(ctx context.Context, o Options) (result Result, err error) {
	o = o.complete()
	result.Cores = runtime.NumCPU()
	if result.Report, err = speed.Measure(); err != nil {
		return result, err
	}
	if err := benchOffice(ctx, o, &result); err != nil {
		return result, err
	}
	return result, benchBooks(o.BooksNotes, &result)
}

// benchLedger is a ledger that has been paid: the bench is not about it.
type benchLedger struct {
	mu      sync.Mutex // over the rest: the office's pipeline and the bench use it
	credits []cash.Credit
	balance money.Tiyn
	keysets []string
}

func (l *benchLedger) Wallet() string { return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

func (l *benchLedger) Head(context.Context) (office.Head, error) {
	return office.Head{Network: []byte("bench"), Height: 1, Millis: 1}, nil
}

func (l *benchLedger) Prepare(context.Context, string, money.Tiyn, string) (cash.Payment, error) {
	return cash.Payment{}, errors.New("the bench pays nobody")
}

func (l *benchLedger) Send(context.Context, *cash.Payment) error { return nil }

func (l *benchLedger) Find(context.Context, *cash.Payment) (office.Outcome, error) {
	return office.Undecided, nil
}

func (l *benchLedger) Credits(_ context.Context, from uint64) (list []cash.Credit, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.credits {
		if c.Index >= from {
			list = append(list, c)
		}
	}
	return list, nil
}

func (l *benchLedger) Reserve(context.Context) (office.Reserve, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return office.Reserve{Height: 1, Millis: 1, Balance: l.balance, Keysets: l.keysets}, nil
}

func (l *benchLedger) Payable(context.Context) (office.Payable, error) {
	return office.Payable{Amount: l.balance}, nil
}

func (l *benchLedger) Stamp(context.Context, uint64, [32]byte) error   { return nil }
func (l *benchLedger) Receipt(context.Context, string) ([]byte, error) { return nil, nil }

// benchWorker has notes of one tiyn and changes them into others, whose secrets it prepared. One goroutine at a time
// has it.
type benchWorker struct {
	set    *cash.Keyset
	seed   []byte
	notes  []cash.Proof
	blanks []coin.Blank // of the round
	answer []cash.Signature
}

// More people than cores come at a time, as to any office: while one waits for the disk others
// are signed for.
const (
	benchPeopleEach = 4 // for each core
	benchClients    = 256
)

func benchOffice(ctx context.Context, sizes Options, result *Result) error {
	dir, err := os.MkdirTemp("", "aqsha-bench-cash")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &benchLedger{}
	o, err := openBenchOffice(ctx, dir, l)
	if err != nil {
		return err
	}
	defer o.Close()
	limit := make(allCores, runtime.NumCPU())
	for i := range limit {
		if limit[i], err = speed.NewLimit(); err != nil {
			return err
		}
	}
	workers := make([]*benchWorker, benchPeopleEach*runtime.NumCPU())
	for i := range workers {
		if workers[i], err = newBenchWorker(ctx, o, l, byte(i+1), sizes.SwapNotes); err != nil {
			return err
		}
	}
	var office, arithmetic timed
	// Office and bare arithmetic in turns within a round: the ratio is of one machine at one time.
	for round := range sizes.SwapRounds {
		if err := benchRound(ctx, o, workers, round, sizes.SwapNotes, &office, &arithmetic, limit); err != nil {
			return err
		}
	}
	result.SwapOverLimit = office.perSecond() / arithmetic.perSecond()
	if err := o.CloseBlock(ctx); err != nil {
		return err
	}
	result.LogBytes = float64(logSize(o)) / float64(office.notes)
	return benchHTTP(ctx, o, workers, limit, sizes.HTTPRounds, result)
}

// allCores is the arithmetic on each core.
type allCores []*speed.Limit

// notes has all cores do at least so many notes together.
func (l allCores) notes(n int) (int, error) {
	var all sync.WaitGroup
	done, failed := make([]int, len(l)), make([]error, len(l))
	for i := range l {
		all.Go(func() { done[i], failed[i] = l[i].Notes((n + len(l) - 1) / len(l)) })
	}
	all.Wait()
	sum := 0
	for _, n := range done {
		sum += n
	}
	return sum, errors.Join(failed...)
}

// timed is notes and how long they took.
type timed struct {
	notes int
	took  time.Duration
}

func (t *timed) perSecond() float64 { return float64(t.notes) / t.took.Seconds() }

// add times what does a number of notes.
func (t *timed) add(work func() (int, error)) error {
	began := time.Now()
	n, err := work()
	t.took, t.notes = t.took+time.Since(began), t.notes+n
	return err
}

// benchRound has everybody swap all notes once, and the arithmetic do as many. Blinding and unblinding are the
// wallets' work, out of the time.
func benchRound(ctx context.Context, o *office.Office, workers []*benchWorker, round, notes int,
	office, arithmetic *timed, limit allCores) error {
	err := together(workers, func(w *benchWorker) (err error) {
		w.blanks, err = coin.Blanks(w.seed, w.set.ID, uint64(round+1)*uint64(notes), onesOf(notes))
		return err
	})
	if err != nil {
		return err
	}
	err = office.add(func() (int, error) {
		return len(workers) * notes, together(workers, func(w *benchWorker) (err error) {
			r := swapOf(w)
			w.answer, err = o.Swap(ctx, sha256.Sum256([]byte(r.Outputs[0].B)), r)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := arithmetic.add(func() (int, error) { return limit.notes(len(workers) * notes) }); err != nil {
		return err
	}
	return together(workers, func(w *benchWorker) error {
		w.notes = benchOpen(w.set, w.blanks, w.answer)
		return nil
	})
}

// logSize is the bytes of all entries of the public log.
func logSize(o *office.Office) (sum int64) {
	for i := range o.Log().Size() {
		if entry, err := o.Log().Entry(i); err == nil {
			sum += int64(len(entry))
		}
	}
	return sum
}

// together has all workers work at once and waits for the last: a round takes as long as its slowest.
func together(workers []*benchWorker, work func(w *benchWorker) error) error {
	var all sync.WaitGroup
	failed := make([]error, len(workers))
	for i, w := range workers {
		all.Go(func() { failed[i] = work(w) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func openBenchOffice(ctx context.Context, dir string, l *benchLedger) (*office.Office, error) {
	skey, _, err := note.GenerateKey(rand.Reader, "bench/log")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, err
	}
	now := uint64(time.Now().Unix())
	key, err := office.NewKey([32]byte{1}, cash.OneTwoFive(), now-10, now+1_000_000, now+2_000_000)
	if err != nil {
		return nil, err
	}
	key.Announcement = "bench"
	l.keysets = []string{key.ID.String()}
	if err := office.UpdateKeys(vfs.OS, dir, func([]office.KeyFile) ([]office.KeyFile, error) {
		return []office.KeyFile{key}, nil
	}); err != nil {
		return nil, err
	}
	return office.Open(ctx, office.Config{Dir: dir, Ledger: l, Origin: "bench/log", Signer: signer,
		Interval: time.Hour})
}

func newBenchWorker(ctx context.Context, o *office.Office, l *benchLedger, n byte, notes int) (*benchWorker,
	error) {
	w := &benchWorker{set: &o.Keysets()[0].Keyset, seed: make([]byte, 64)}
	w.seed[0] = n
	m, err := o.NewMintQuote(ctx, money.Tiyn(notes), "")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.balance += money.Tiyn(notes)
	l.credits = append(l.credits, cash.Credit{ID: fmt.Sprint("credit", n), Index: uint64(len(l.credits) + 1),
		From: "bench", Amount: money.Tiyn(notes), Memo: m.Memo})
	l.mu.Unlock()
	if err := o.Settle(ctx); err != nil {
		return nil, err
	}
	first, err := coin.Blanks(w.seed, w.set.ID, 0, onesOf(notes))
	if err != nil {
		return nil, err
	}
	answer, err := o.Mint(ctx, sha256.Sum256([]byte(m.ID)),
		office.MintRequest{Quote: m.ID, Outputs: coin.Outputs(first)})
	if err != nil {
		return nil, err
	}
	w.notes = benchOpen(w.set, first, answer)
	return w, nil
}

// benchOpen takes signatures without checking their proofs: the bench is of the office.
func benchOpen(set *cash.Keyset, blanks []coin.Blank, answer []cash.Signature) []cash.Proof {
	list := make([]cash.Proof, len(answer))
	for i, s := range answer {
		n, err := coin.Unblind(set, blanks[i], s)
		if err == nil {
			list[i] = n
		}
	}
	return list
}

// onesOf are amounts of one tiyn.
func onesOf(n int) []money.Tiyn {
	ones := make([]money.Tiyn, n)
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

func swapOf(w *benchWorker) office.SwapRequest {
	return office.SwapRequest{Inputs: w.notes, Outputs: coin.Outputs(w.blanks)}
}

// benchHTTP has many clients swap one note each at a time. Their requests are written before: what is timed is the
// office with its face, and of the load that there is a client which reads answers and does nothing with them.
func benchHTTP(ctx context.Context, o *office.Office, workers []*benchWorker, limit allCores, rounds int,
	result *Result) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: apicash.NewServer(o, apicash.About{}, slog.New(slog.DiscardHandler))}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	var served, arithmetic timed
	for round := range rounds { // the arithmetic's turns lie between
		requests, err := benchRequests(workers, round)
		if err != nil {
			return err
		}
		answers := make([][]byte, len(requests))
		if err := served.add(func() (int, error) {
			return len(requests), sendSwaps(ctx, listener.Addr().String(), requests, answers)
		}); err != nil {
			return err
		}
		if err := arithmetic.add(func() (int, error) { return limit.notes(len(requests)) }); err != nil {
			return err
		}
		if err := takeSwaps(workers, answers); err != nil {
			return err
		}
	}
	result.HTTPSwaps = served.perSecond()
	result.HTTPSwapOverLimit = result.HTTPSwaps / arithmetic.perSecond()
	return nil
}

// benchRequests are swaps of one note into one, as they go over the wire: each worker's notes, one after the other.
func benchRequests(workers []*benchWorker, round int) (requests [][]byte, err error) {
	for _, w := range workers {
		if w.blanks, err = coin.Blanks(w.seed, w.set.ID, 1<<20+uint64(round*len(w.notes)),
			onesOf(len(w.notes))); err != nil {
			return nil, err
		}
		outputs := coin.Outputs(w.blanks)
		for i := range w.notes {
			body, err := json.Marshal(office.SwapRequest{Inputs: w.notes[i : i+1], Outputs: outputs[i : i+1]})
			if err != nil {
				return nil, err
			}
			head := fmt.Sprintf("POST %s/v1/swap HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"+
				"Content-Length: %d\r\n\r\n", apicash.Prefix, len(body))
			requests = append(requests, append([]byte(head), body...))
		}
	}
	return requests, nil
}

// takeSwaps has the workers take what was signed, for the next round.
func takeSwaps(workers []*benchWorker, answers [][]byte) error {
	for _, w := range workers {
		signed := make([]cash.Signature, 0, len(w.notes))
		for _, raw := range answers[:len(w.notes)] {
			var answer struct{ Signatures []cash.Signature }
			if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Signatures) != 1 {
				return errors.Join(err, fmt.Errorf("no signature of a swap: %s", raw))
			}
			signed = append(signed, answer.Signatures[0])
		}
		answers = answers[len(w.notes):]
		w.notes = benchOpen(w.set, w.blanks, signed)
	}
	return nil
}

// sendSwaps sends requests over as many connections as there are clients, one after the other on each.
func sendSwaps(ctx context.Context, address string, requests, answers [][]byte) error {
	var all sync.WaitGroup
	failed := make([]error, benchClients)
	for i := range failed {
		all.Go(func() {
			var dialer net.Dialer
			connection, err := dialer.DialContext(ctx, "tcp", address)
			if err != nil {
				failed[i] = err
				return
			}
			defer connection.Close()
			reader := bufio.NewReader(connection)
			for at := i; at < len(requests) && failed[i] == nil; at += benchClients {
				answers[at], failed[i] = exchange(connection, reader, requests[at])
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// exchange sends one request and reads its answer, on a connection that stays open.
func exchange(connection net.Conn, reader *bufio.Reader, request []byte) ([]byte, error) {
	if _, err := connection.Write(request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, errors.Join(err, response.Body.Close())
}

// benchBooks measures what the books take for so many notes, a multiple of a thousand, and how soon they are loaded.
func benchBooks(notes int, result *Result) error {
	key, err := office.NewKey([32]byte{2}, cash.OneTwoFive(), 0, 1<<40, 1<<41)
	if err != nil {
		return err
	}
	signing, err := key.Signing()
	if err != nil {
		return err
	}
	result.Notes = notes
	books := cash.NewBooks()
	books.Add(signing)
	fill := func(spent bool) (float64, error) {
		// The heap after a collection, before and after: what the books keep, not what filling them made.
		before := heap()
		for i := 0; i < notes; {
			e := &cash.Event{Kind: cash.Swapped}
			for range 1000 {
				var point [33]byte
				binary.BigEndian.PutUint64(point[1:], uint64(i))
				if spent {
					e.Taken = append(e.Taken, cash.Taken{Y: point})
				} else {
					e.Given = append(e.Given, cash.Given{B: point})
				}
				i++
			}
			if err := books.Apply(e); err != nil {
				return 0, err
			}
		}
		return float64(heap()-before) / float64(notes), nil
	}
	if result.SpentBytes, err = fill(true); err != nil {
		return err
	}
	if result.SignedBytes, err = fill(false); err != nil {
		return err
	}
	if result.RestartOverRead, err = restartOverRead(books, signing); err != nil {
		return err
	}
	runtime.KeepAlive(books)
	return nil
}

// restartOverRead is how much longer a restart takes than reading its file: both are of the same bytes, so the disk's
// speed is out of it.
func restartOverRead(books *cash.Books, signing *cash.Signing) (float64, error) {
	snapshot := books.Snapshot(0)
	// In the order in which the office itself writes it: loading sorted books is what a restart does.
	snapshot.Sort()
	raw, err := cbor.Marshal(snapshot)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "aqsha-bench-books")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "books")
	if err := durable.Replace(vfs.OS, file, raw); err != nil {
		return 0, err
	}
	began := time.Now()
	read, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	reading := time.Since(began)
	var loaded cash.Snapshot
	if err := cbor.Unmarshal(read, &loaded); err != nil {
		return 0, err
	}
	again := cash.NewBooks()
	again.Add(signing)
	if err := again.Load(&loaded); err != nil {
		return 0, err
	}
	return time.Since(began).Seconds() / reading.Seconds(), nil
}

// heap is the bytes that are live after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
