package drafts_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const now, until = 1_800_000_000_000, 1_800_000_060_000

var quiet = slog.New(slog.DiscardHandler)

// office is a world whose issue keys are three, of which two sign.
type office struct {
	*sim.World
	group  ledger.Signatory
	groups []ledger.Signatory
}

func newOffice() office {
	w := sim.NewWorld(1)
	m := ledger.NewModel()
	w.NewChain(m)
	set := m.Central.Set(token.RoleIssue)
	g := ledger.Signatory{Role: token.RoleIssue, Keys: set.Keys, Threshold: int(set.Threshold)}
	return office{w, g, []ledger.Signatory{g}}
}

// issue is an issue of an amount, signed by keys by their places.
func (o office) issue(t testing.TB, amount money.Tiyn, signers ...int) *token.Transaction {
	t.Helper()
	tx, err := token.New(&token.Issue{Sequence: 1, To: token.WalletID{1}, Amounts: []money.Tiyn{amount}}, until)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range signers {
		o.sign(t, tx, i)
	}
	return tx
}

func (o office) key(i int) token.PrivateKey {
	key, _ := o.Private(o.group.Keys[i])
	return key
}

func (o office) sign(t testing.TB, tx *token.Transaction, i int) {
	t.Helper()
	if err := tx.SignAs(o.Network, token.RoleIssue, i, o.key(i)); err != nil {
		t.Fatal(err)
	}
}

func (o office) witness(t testing.TB, amount money.Tiyn, i int) token.Witness {
	return o.issue(t, amount, i).Witnesses[0]
}

func codeOf(err *token.Error) token.Code {
	if err == nil {
		return ""
	}
	return err.Code
}

// A draft is put up by who has signed it, gathers signatures, and is complete with so many as are needed; whatever is
// no signature of a key that has a say is refused, and changes nothing.
func TestADraftGathersSignatures(t *testing.T) {
	o := newOffice()
	for about, c := range map[string]struct {
		tx   *token.Transaction
		now  uint64
		code token.Code
	}{
		"nobody has signed": {o.issue(t, 1), now, ledger.MissingSignature},
		"over":              {o.issue(t, 1, 0), until + 1, ledger.Expired},
		"altered after":     {altered(o.issue(t, 1, 0), o.issue(t, 2)), now, ledger.BadSignature},
	} {
		if _, err := drafts.New(o.Network, c.tx, o.groups, c.now); codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", about, err, c.code)
		}
	}
	if _, err := drafts.New(token.NetworkID{1}, o.issue(t, 1, 0), o.groups, now); codeOf(err) != ledger.BadSignature {
		t.Errorf("signed for another network: %v", err)
	}
	d, err := drafts.New(o.Network, o.issue(t, 1, 1), o.groups, now)
	if err != nil || d.State != drafts.Waiting || d.By != o.group.Keys[1] {
		t.Fatalf("%+v, %v", d, err)
	}
	foreign := o.witness(t, 1, 0)
	foreign.Index = 9
	other := o.witness(t, 1, 0)
	other.Role = token.RolePolicy
	for about, c := range map[string]struct {
		w    token.Witness
		now  uint64
		code token.Code
	}{
		"signed twice":           {o.witness(t, 1, 1), now, drafts.SignedAlready},
		"a key that is not":      {foreign, now, ledger.NotAuthorised},
		"a role that is not":     {other, now, ledger.NotAuthorised},
		"of another transaction": {o.witness(t, 2, 0), now, ledger.BadSignature},
		"too late":               {o.witness(t, 1, 0), until + 1, ledger.Expired},
	} {
		if err := d.Sign(o.Network, c.w, c.now); codeOf(err) != c.code || len(d.Transaction.Witnesses) != 1 ||
			d.State != drafts.Waiting {
			t.Errorf("%s: %v, want %s; it is %s", about, err, c.code, d.State)
		}
	}
	if err := d.Sign(o.Network, o.witness(t, 1, 0), now); err != nil || d.State != drafts.Complete ||
		d.Transaction.Witnesses[0].Index != 0 {
		t.Fatalf("%v, %+v", err, d)
	}
	if _, err := ledger.Keys(nil, o.model(), d.Transaction); err != nil {
		t.Errorf("the ledger would not take it: %v", err)
	}
	if err := d.Sign(o.Network, o.witness(t, 1, 2), now); codeOf(err) != drafts.DraftEnded {
		t.Errorf("%v", err)
	}
}

func (o office) model() *ledger.Model {
	m := ledger.NewModel()
	o.NewChain(m)
	return m
}

func altered(signed, other *token.Transaction) *token.Transaction {
	other.Add(signed.Witnesses[0])
	return other
}

// Who refuses says so with his key; a draft has ended when those who are left do not suffice, and who refused may still
// sign before.
func TestADraftIsRefused(t *testing.T) {
	o := newOffice()
	refusal := func(i int, reason string) (token.PublicKey, *token.Signature) {
		s, err := o.key(i).Sign(token.DraftRefusalDigest(o.Network, o.issue(t, 1).ID(), reason))
		if err != nil {
			t.Fatal(err)
		}
		return o.group.Keys[i], &s
	}
	d, err := drafts.New(o.Network, o.issue(t, 1, 0), o.groups, now)
	if err != nil {
		t.Fatal(err)
	}
	key, signature := refusal(1, "too much")
	for about, c := range map[string]struct {
		key    token.PublicKey
		reason string
		now    uint64
		code   token.Code
	}{
		"another reason":    {key, "too little", now, ledger.BadSignature},
		"another key":       {o.group.Keys[2], "too much", now, ledger.BadSignature},
		"a key without say": {o.Key("stranger").Public(), "too much", now, ledger.NotAuthorised},
		"no key":            {token.NoKey, "too much", now, ledger.NotAuthorised},
		"too late":          {key, "too much", until + 1, ledger.Expired},
		"a long reason":     {key, strings.Repeat("x", 201), now, token.TooLarge},
	} {
		if err := d.Refuse(o.Network, c.key, c.reason, signature, c.now); codeOf(err) != c.code ||
			len(d.Refusals) != 0 {
			t.Errorf("%s: %v, want %s", about, err, c.code)
		}
	}
	who, hand := refusal(0, "")
	if err := d.Refuse(o.Network, who, "", hand, now); codeOf(err) != drafts.SignedAlready {
		t.Errorf("who has signed refuses: %v", err)
	}
	if err := d.Refuse(o.Network, key, "too much", signature, now); err != nil || d.State != drafts.Waiting {
		t.Fatalf("%v, %s", err, d.State)
	}
	again := *d
	if err := again.Sign(o.Network, o.witness(t, 1, 1), now); err != nil || again.State != drafts.Complete ||
		len(again.Refusals) != 0 {
		t.Errorf("who thought better of it: %v, %+v", err, again)
	}
	d, _ = drafts.New(o.Network, o.issue(t, 1, 0), o.groups, now)
	for i := 1; i <= 2; i++ {
		key, signature := refusal(i, "no")
		if err := d.Refuse(o.Network, key, "no", signature, now); err != nil {
			t.Fatal(err)
		}
	}
	if d.State != drafts.Refused || len(d.Refusals) != 2 {
		t.Errorf("%+v", d)
	}
}

// When the ledger names other keys, signatures of those that were replaced go.
func TestReplacedKeysHaveNoSay(t *testing.T) {
	o := newOffice()
	d, err := drafts.New(o.Network, o.issue(t, 1, 0), o.groups, now)
	if err != nil {
		t.Fatal(err)
	}
	g := o.group
	g.Keys = append([]token.PublicKey{o.Key("new").Public()}, g.Keys[1:]...)
	d.Rename(o.Network, []ledger.Signatory{g})
	if len(d.Transaction.Witnesses) != 0 || d.Transaction.ID() != o.issue(t, 1).ID() {
		t.Errorf("%+v", d.Transaction)
	}
	if err := d.Sign(o.Network, o.witness(t, 1, 1), now); err != nil || d.State != drafts.Waiting {
		t.Errorf("%v, %s", err, d.State)
	}
}

// Each change has a number that no other has, also after the folder was opened anew and when a draft lapses by itself;
// who waits is woken by each.
func TestChangesAreCounted(t *testing.T) {
	o, dir := newOffice(), t.TempDir()
	s, err := drafts.Open(vfs.OS, dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	woken := func(about string, changed <-chan struct{}) {
		t.Helper()
		select {
		case <-changed:
		default:
			t.Errorf("%s wakes nobody", about)
		}
	}
	for i, amount := range []money.Tiyn{1, 2} {
		d, refused := drafts.New(o.Network, o.issue(t, amount, i), o.groups, now)
		if refused != nil {
			t.Fatal(refused)
		}
		changed := s.Changed()
		if err := s.Put(d, now); err != nil {
			t.Fatal(err)
		}
		woken("a draft", changed)
	}
	changed := s.Changed()
	if _, err := s.Change(o.issue(t, 1).ID(), now, func(d *drafts.Draft) *token.Error {
		return d.Sign(o.Network, o.witness(t, 1, 1), now)
	}); err != nil {
		t.Fatal(err)
	}
	woken("a signature", changed)
	of := func(list []*drafts.Draft) (text string) {
		for _, d := range list {
			text += fmt.Sprint(d.Transaction.Body.(*token.Issue).Amounts[0], " ", d.State, " ", d.Change, " ")
		}
		return text
	}
	if got := of(s.After(0, now)); got != "0.02 waiting 2 0.01 complete 3 " || s.Last() != 3 {
		t.Errorf("%s, the last is %d", got, s.Last())
	}
	if s, err = drafts.Open(vfs.OS, dir, quiet); err != nil || s.Last() != 3 {
		t.Fatal(s.Last(), err)
	}
	changed = s.Changed()
	if got := of(s.After(3, until+1)); got != "0.02 lapsed 4 " {
		t.Errorf("after its time: %s", got)
	}
	woken("time", changed)
	if got := of(s.After(4, until+1)); got != "" {
		t.Errorf("it lapses again: %s", got)
	}
}

// What was acknowledged of drafts is there after any fault: as it was, or with the change that was under way, whole.
func TestDraftsOutliveEveryFault(t *testing.T) {
	o := newOffice()
	steps := []func(s *drafts.Store) error{
		func(s *drafts.Store) error {
			d, err := drafts.New(o.Network, o.issue(t, 1, 0), o.groups, now)
			if err != nil {
				return err
			}
			return s.Put(d, now)
		},
		func(s *drafts.Store) error {
			_, err := s.Change(o.issue(t, 1).ID(), now, func(d *drafts.Draft) *token.Error {
				return d.Sign(o.Network, o.witness(t, 1, 1), now)
			})
			return err
		},
		func(s *drafts.Store) error {
			_, err := s.Change(o.issue(t, 1).ID(), now, func(d *drafts.Draft) *token.Error {
				d.Settle(&node.Receipt{ID: d.Transaction.ID(), Index: 7}, nil, now)
				return nil
			})
			return err
		},
	}
	states := []string{"", "waiting 1", "complete 2", "executed 2"}
	found := func(s *drafts.Store) string {
		d := s.Get(o.issue(t, 1).ID(), now)
		if d == nil {
			return ""
		}
		return fmt.Sprint(d.State, " ", len(d.Transaction.Witnesses))
	}
	diskfault.Every(t,
		func(files vfs.FS) error { return files.MkdirAll("drafts") },
		func(files vfs.FS) (int, error) {
			s, err := drafts.Open(files, "drafts", quiet)
			if err != nil {
				return 0, err
			}
			for done, step := range steps {
				if err := step(s); err != nil {
					if got := found(s); got != states[done] {
						t.Errorf("what failed counts: %s after %d", got, done)
					}
					return done, err
				}
			}
			return len(steps), nil
		},
		func(files vfs.FS, done int) error {
			s, err := drafts.Open(files, "drafts", quiet)
			if err != nil {
				return err
			}
			if got := found(s); got != states[done] && (done == len(steps) || got != states[done+1]) {
				return fmt.Errorf("%q after %d", got, done)
			}
			return nil
		})
}

// What is kept is bounded by key and ends: lapsed at its valid-until, forgotten a day later, also on the disk.
func TestDraftsAreBoundedAndEnd(t *testing.T) {
	o := newOffice()
	files := vfs.OS
	dir := t.TempDir()
	s, err := drafts.Open(files, dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	put := func(amount money.Tiyn, by int) error {
		d, err := drafts.New(o.Network, o.issue(t, amount, by), o.groups, now)
		if err != nil {
			return err
		}
		return s.Put(d, now)
	}
	for i := range drafts.MaxOfKey {
		if err := put(money.Tiyn(i+1), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(99, 0); err == nil || !strings.Contains(err.Error(), string(token.TooMany)) {
		t.Errorf("one more of a key: %v", err)
	}
	if err := put(1, 1); err == nil || !strings.Contains(err.Error(), string(drafts.SignedAlready)) {
		t.Errorf("one that is there: %v", err)
	}
	if err := put(99, 1); err != nil {
		t.Errorf("another key's: %v", err)
	}
	id := o.issue(t, 1).ID()
	if d := s.Get(id, until+1); d.State != drafts.Lapsed || d.Ended != until {
		t.Errorf("%+v", d)
	}
	if _, err := s.Change(id, until+1, func(d *drafts.Draft) *token.Error {
		return d.Sign(o.Network, o.witness(t, 1, 1), now)
	}); err == nil {
		t.Error("a lapsed draft was signed")
	}
	if d := s.Get(id, until+drafts.KeptMillis+1); d != nil {
		t.Errorf("%+v", d)
	}
	names, err := files.List(dir)
	for _, name := range names {
		if strings.HasSuffix(name, ".json") {
			t.Errorf("%s is still there", name)
		}
	}
	if err != nil || len(s.All(until+drafts.KeptMillis+1)) != 0 {
		t.Error(err)
	}
	if s, err = drafts.Open(files, dir, quiet); err != nil || len(s.All(now)) != 0 {
		t.Error(err)
	}
}

// A folder in which somebody wrote opens: what is no draft of its name is left alone.
func TestWhatIsNoDraftIsLeftOut(t *testing.T) {
	o := newOffice()
	dir := t.TempDir()
	s, err := drafts.Open(vfs.OS, dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	d, refused := drafts.New(o.Network, o.issue(t, 1, 0), o.groups, now)
	if refused != nil || s.Put(d, now) != nil {
		t.Fatal(refused)
	}
	content := read(t, dir+"/"+o.issue(t, 1).ID().String()+".json")
	for name, text := range map[string]string{
		o.issue(t, 2).ID().String() + ".json": content, // another's name
		strings.Repeat("a", 64) + ".json":     "{}",
		strings.Repeat("b", 64) + ".json":     content[:40],
		"notes.txt":                           "hello",
	} {
		write(t, dir+"/"+name, text)
	}
	s, err = drafts.Open(vfs.OS, dir, quiet)
	if err != nil || len(s.All(now)) != 1 {
		t.Errorf("%v, %d", err, len(s.All(now)))
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	f, err := vfs.OS.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, _ := f.Size()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	f, err := vfs.OS.Create(name)
	if err == nil {
		_, err = f.WriteAt([]byte(text), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}
