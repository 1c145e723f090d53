// Package worker knows who mines: workers' names, the accounts that they belong to, what each has done and what is kept
// of it.
//
// It may import bitcoin, books, sharelog and stratum. A registry has one lock, a worker one of its own; the registry's
// is taken first.
package worker

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// Registry knows workers and gives those that earn their numbers. A name that has only logged in
// costs memory for as long as a connection uses it, and the log nothing.
type Registry struct {
	network bitcoin.Network

	mu       sync.Mutex         // over what follows, and over accounts and their workers' holds
	byName   map[string]*Worker // by fullName
	accounts map[string]*account
	users    map[string]uint64              // by address: those in the log
	script   map[uint64][]byte              // by user
	settings map[string]books.WorkerSetting // by full name: what an earlier run kept
	last     uint64
}

// account is an address with its workers.
type account struct {
	address string
	script  []byte
	user    uint64  // its number, that of its worker without a name; 0 until needed
	logged  bool    // the number is in the log
	plain   *Worker // the worker without a name, once it exists
	// plainNumber is that worker's in the log, where it is there: older logs begin with a named one.
	plainNumber uint64
	earning     int // workers in the log
	held        int // names that connections use and that are not in the log
}

// Limits of the registry. Beyond those of one address its names are booked under the address alone:
// nobody's work is refused for want of a name.
const (
	maxWorkers        = 1_000_000 // in the log
	maxWorkerName     = 64        // characters
	maxAccountWorkers = 20_000    // in the log, of one address
	maxAccountNames   = 20_000    // of one address, that have not earned yet
	maxNames          = 1_000_000 // that have not earned yet, of all addresses
)

var (
	errTooManyWorkers = errors.New("pool has no room for more workers")
	errWorkerName     = errors.New("worker's name is longer than 64 characters or has control characters in it")
)

// NewRegistry makes a registry that knows nobody.
func NewRegistry(network bitcoin.Network) *Registry {
	return &Registry{network: network, byName: map[string]*Worker{}, accounts: map[string]*account{},
		users: map[string]uint64{}, script: map[uint64][]byte{},
		settings: map[string]books.WorkerSetting{}}
}

// SplitName takes a user name apart: ADDRESS.worker or, as some firmware and rental services write
// it, ADDRESS_worker. No address has either character in it. ADDRESS. is ADDRESS.
func SplitName(full string) (address, name string) {
	if i := strings.IndexAny(full, "._"); i >= 0 {
		return full[:i], full[i+1:]
	}
	return full, ""
}

// SameAddress says whether two texts are one address; only bech32 has two cases (BIP 173), and only
// whole: other texts that differ in case are different, and mostly no addresses at all.
func SameAddress(canonical, other string) bool {
	return canonical == other || strings.ToUpper(canonical) == other && canonical == strings.ToLower(other)
}

// Find returns the worker of a user name, held for a connection until release. An address that has as many names as
// are allowed, or as many workers that earn, gets its worker without a name for any further one: the miner is paid all
// the same, and whoever makes names up by the thousand costs no memory. Only when the registry is full is anybody
// refused.
func (r *Registry) Find(full string) (*Worker, error) {
	address, name := SplitName(full)
	canonical, script, err := r.network.Canonical(address)
	if err != nil {
		return nil, err
	}
	name = strings.ToValidUTF8(name, "?")
	if utf8.RuneCountInString(name) > maxWorkerName ||
		strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return nil, errWorkerName
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.accountLocked(canonical, script)
	w := r.byName[fullName(canonical, name)]
	if w == nil && name != "" && (a.held >= maxAccountNames || a.earning >= maxAccountWorkers) {
		name, w = "", a.plain
	}
	if w == nil {
		if len(r.byName) >= maxWorkers+maxNames {
			r.forgetLocked(a)
			return nil, errTooManyWorkers
		}
		w = r.addLocked(a, name)
		a.held++
	}
	w.holds++
	return w, nil
}

// Release gives a hold back. A name that never earned anything goes with its last connection.
func (r *Registry) Release(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.holds--; w.holds > 0 || w.Number.Load() != 0 {
		return
	}
	delete(r.byName, w.FullName())
	a := w.account
	a.held--
	if a.plain == w {
		a.plain = nil
	}
	r.forgetLocked(a)
}

// forgetLocked drops an account that has neither workers nor a past.
func (r *Registry) forgetLocked(a *account) {
	if !a.logged && a.held == 0 && a.earning == 0 {
		delete(r.accounts, a.address)
		delete(r.script, a.user)
	}
}

func (r *Registry) accountLocked(address string, script []byte) *account {
	a := r.accounts[address]
	if a == nil {
		a = &account{address: address, script: script}
		r.accounts[address] = a
	}
	return a
}

func (r *Registry) addLocked(a *account, name string) *Worker {
	w := &Worker{Address: a.address, Name: name, account: a}
	if s, kept := r.settings[w.FullName()]; kept {
		w.take(s)
	}
	r.byName[w.FullName()] = w
	if name == "" {
		a.plain = w
	}
	return w
}

// Register returns a worker's number in the log. At the first call its record is handed to log while
// the lock is held, so that it precedes the shares of any loop.
func (r *Registry) Register(w *Worker, log func(sharelog.Record)) uint64 {
	if number := w.Number.Load(); number != 0 {
		return number
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if number := w.Number.Load(); number != 0 {
		return number
	}
	if w = r.knownLocked(w); w.Number.Load() != 0 {
		return w.Number.Load()
	}
	a := w.account
	if a.earning >= maxAccountWorkers && w.Name != "" {
		// Its work is the address's; the name is not kept.
		if w = a.plain; w == nil {
			w = r.addLocked(a, "")
			a.held++
		}
		if number := w.Number.Load(); number != 0 {
			return number
		}
	}
	user := r.userLocked(a)
	if !a.logged { // the account's number is that of its worker without a name
		a.logged, a.plainNumber = true, user
		r.users[a.address] = user
		log(&sharelog.Worker{Number: user, User: user, Address: a.address})
		if a.plain != nil {
			r.numberLocked(a.plain, user)
		}
	}
	switch {
	case w.Number.Load() != 0:
	case w.Name == "" && a.plainNumber != 0:
		r.numberLocked(w, a.plainNumber)
	default:
		r.last++
		log(&sharelog.Worker{Number: r.last, User: user, Address: a.address, Name: w.Name})
		r.numberLocked(w, r.last)
	}
	return w.Number.Load()
}

// knownLocked is the worker that a name has now. A connection that was closed has released its worker, and what it had
// found before counts all the same: its name is entered again, or is that of who came under it meanwhile. An address is
// under one account, and one number, however its connections end.
func (r *Registry) knownLocked(w *Worker) *Worker {
	if known := r.byName[w.FullName()]; known != nil {
		return known
	}
	if a := r.accounts[w.Address]; a != nil {
		w.account = a
	} else {
		a = w.account
		if r.accounts[w.Address] = a; a.user != 0 {
			r.script[a.user] = a.script
		}
	}
	r.byName[w.FullName()] = w
	if w.account.held++; w.Name == "" {
		w.account.plain = w
	}
	return w
}

func (r *Registry) numberLocked(w *Worker, number uint64) {
	w.Number.Store(number)
	w.account.held--
	w.account.earning++
}

// UserOf is the number of a worker's address. It enters the log with the first share only.
func (r *Registry) UserOf(w *Worker) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.userLocked(w.account)
}

func (r *Registry) userLocked(a *account) uint64 {
	if a.user == 0 {
		r.last++
		a.user = r.last
		r.script[a.user] = a.script
	}
	return a.user
}

// Restore takes a worker from the log.
func (r *Registry) Restore(record *sharelog.Worker) error {
	canonical, script, err := r.network.Canonical(record.Address)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, record.Number)
	// Logs from before addresses were written in one way may have one under several numbers: each
	// is paid, the first takes what comes.
	r.script[record.User] = script
	a := r.accountLocked(canonical, script)
	if !a.logged {
		a.logged, a.user = true, record.User
		r.users[canonical] = record.User
	}
	if record.User != a.user {
		return nil
	}
	if record.Name == "" {
		a.plainNumber = record.Number
	}
	w := r.byName[fullName(canonical, record.Name)]
	if w == nil {
		w = r.addLocked(a, record.Name)
		a.earning++
	}
	w.Number.Store(record.Number)
	return nil
}

// ScriptOf returns the output script of a user, nil if unknown.
func (r *Registry) ScriptOf(user uint64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.script[user]
}

// NumberOf is the user of an address, in its canonical form, that is in the log.
func (r *Registry) NumberOf(address string) (user uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	user, ok = r.users[address]
	return user, ok
}

// ByScript are the users by output script; of several with the same the first.
func (r *Registry) ByScript() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	users := make(map[string]uint64, len(r.script))
	for user, script := range r.script { // any order: the least
		if known, ok := users[string(script)]; !ok || user < known {
			users[string(script)] = user
		}
	}
	return users
}

// Names counts the names that are known, those of the log and those that connections use.
func (r *Registry) Names() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byName)
}

// All lists the workers that have earned, in the order of their numbers.
func (r *Registry) All() []*Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	var workers []*Worker
	for _, w := range r.byName {
		if w.Number.Load() != 0 {
			workers = append(workers, w)
		}
	}
	slices.SortFunc(workers, func(a, b *Worker) int { return int(int64(a.Number.Load()) - int64(b.Number.Load())) })
	return workers
}

func fullName(address, name string) string {
	if name == "" {
		return address
	}
	return address + "." + name
}
