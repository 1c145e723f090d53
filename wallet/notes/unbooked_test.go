package notes_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet/notes"
)

// secondBooks are the books that a cheating office shows: its keys and its log's key are those of the town's office,
// whose notes they lack. Its clock is what a test sets.
type secondBooks struct {
	*office.Office
	town *town
	dir  string
	key  string
	now  time.Time
}

func (w *town) secondBooks(dir string) *secondBooks {
	w.t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(make([]byte, ed25519.SeedSize)), "cash.example/log")
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.files.MkdirAll(dir); err != nil {
		w.t.Fatal(err)
	}
	keys, err := office.ReadKeys(w.files, "office")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := office.UpdateKeys(w.files, dir, func([]office.KeyFile) ([]office.KeyFile, error) {
		return keys,
			nil
	}); err != nil {
		w.t.Fatal(err)
	}
	b := &secondBooks{town: w, dir: dir, key: vkey, now: time.Now()}
	shown := &ledger{paid: map[string]money.Tiyn{}, done: map[string]bool{}, keysets: w.ledger.keysets}
	b.Office, err = office.Open(w.t.Context(), office.Config{Dir: dir, FS: w.files, Ledger: shown,
		Origin: signer.Name(), Signer: signer,
		Now: func() time.Time { return b.now }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { b.Close() })
	return b
}

// at closes a block at a time, and returns the log as it is then.
func (b *secondBooks) at(now time.Time) recount.Source {
	b.town.t.Helper()
	b.now = now
	if err := b.CloseBlock(b.town.t.Context()); err != nil {
		b.town.t.Fatal(err)
	}
	s, err := recount.Folder(b.town.files, b.dir+"/log", b.key)
	if err != nil {
		b.town.t.Fatal(err)
	}
	return s
}

// signedUnbooked is a token of notes that the town's office signed, as its second books lack them.
func signedUnbooked(t *testing.T, town *town) *coin.Token {
	t.Helper()
	_, ana := town.newWallet(testWords)
	town.buy(ana, 100_000)
	token, err := ana.Send(t.Context(), 70_000, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// An office that signs and does not book is convicted: by its keyset's end alone, before that by a stamp that is older
// than the log by more than it may take; and by nothing else.
func TestAnOfficeThatDoesNotBook(t *testing.T) {
	town := newTown(t)
	token := signedUnbooked(t, town)
	cheat := town.secondBooks("cheat")
	f, err := recount.Find(t.Context(), cheat.at(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	issued, err := f.Issued(token)
	if err != nil {
		t.Fatal(err)
	}
	signed := time.Now()
	stamp := &recount.Stamp{Memo: recount.StampMemo(issued), Millis: uint64(signed.UnixMilli())}
	const day = recount.BookingSeconds * time.Second
	keys, _ := office.ReadKeys(town.files, "office")
	stopped := time.Unix(int64(keys[0].Until), 0)
	for _, test := range []struct {
		name  string
		at    time.Time
		stamp *recount.Stamp
		want  bool
	}{
		{"at once", signed, nil, false},
		{"at once, stamped", signed, stamp, false},
		{"almost a day later", signed.Add(day - 2*time.Second), stamp, false},
		{"a day later, not stamped", signed.Add(day + 2*time.Second), nil, false},
		{"a day later", signed.Add(day + 2*time.Second), stamp, true},
		{"the keyset stopped signing a moment ago", stopped.Add(day - 2*time.Second), nil, false},
		{"the keyset stopped signing a day ago", stopped.Add(day + 2*time.Second), nil, true},
	} {
		if f, err = recount.Find(t.Context(), cheat.at(test.at)); err != nil {
			t.Fatal(test.name, err)
		}
		list, missing, err := f.Judge(issued, test.stamp)
		if err != nil || len(missing) != len(issued) || recount.Convicts(list) != test.want {
			t.Errorf("%s: %+v, %d of %d missing, %v", test.name, list, len(missing), len(issued), err)
		}
	}
}

// A third person checks the file alone. What convicted once convicts though the office books the notes afterwards, and
// an office that rewrites its log is found out by the checkpoint in the file.
func TestEvidenceOutlastsALateBooking(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	_, ana := town.newWallet(testWords)
	cheat := town.secondBooks("cheat")
	town.buy(ana, 100_000)
	token, err := ana.Send(ctx, 70_000, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	late := time.Now().Add(3 * recount.BookingSeconds * time.Second)
	f, err := recount.Find(ctx, cheat.at(late))
	if err != nil {
		t.Fatal(err)
	}
	issued, err := f.Issued(token)
	if err != nil {
		t.Fatal(err)
	}
	shown := func([]byte) (*recount.Stamp, error) {
		return &recount.Stamp{Memo: recount.StampMemo(issued), Millis: uint64(time.Now().UnixMilli())}, nil
	}
	raw, err := f.Evidence(issued, []byte("receipt")).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), token.Proofs[0].Secret) {
		t.Error("evidence holds what spends a note")
	}
	e, err := recount.DecodeEvidence(raw)
	if err != nil {
		t.Fatal(err)
	}
	list, _, _, err := e.Check(ctx, cheat.at(late.Add(time.Hour)), shown)
	if err != nil || !recount.Convicts(list) {
		t.Fatal(list, err)
	}
	// Another view of the log under the same key: the honest books, which have the notes.
	if err := town.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	honest, err := recount.Folder(town.files, "office/log", cheat.key)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *record.CheckError
	if _, _, _, err := e.Check(ctx, honest, shown); !errors.As(err, &wrong) {
		t.Errorf("a log that does not lead to the checkpoint of the evidence: %v", err)
	}
	// Before it convicts, the newest state of the log decides.
	f, err = recount.Find(ctx, honest)
	if err != nil {
		t.Fatal(err)
	}
	list, missing, err := f.Judge(issued, nil)
	if err != nil || len(missing) != 0 || recount.Convicts(list) {
		t.Errorf("booked notes: %+v, %d missing, %v", list, len(missing), err)
	}
}

// Forged evidence is refused, or finds that the notes are booked: nobody convicts an office that books.
func TestForgedEvidence(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	token := signedUnbooked(t, town)
	cheat := town.secondBooks("cheat")
	source := cheat.at(time.Now().Add(2 * recount.BookingSeconds * time.Second))
	f, err := recount.Find(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := f.Issued(token)
	if err != nil {
		t.Fatal(err)
	}
	good := func() *recount.Evidence {
		raw, _ := json.Marshal(f.Evidence(issued, []byte("receipt")))
		e, err := recount.DecodeEvidence(raw)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	memo, millis := recount.StampMemo(issued), uint64(time.Now().UnixMilli())
	stamp := func([]byte) (*recount.Stamp, error) { return &recount.Stamp{Memo: memo, Millis: millis}, nil }
	if list, _, _, err := good().Check(ctx, source, stamp); err != nil || !recount.Convicts(list) {
		t.Fatalf("evidence that nobody forged: %+v, %v", list, err)
	}
	for name, forge := range map[string]func(e *recount.Evidence){
		"another amount":  func(e *recount.Evidence) { e.Notes[0].Amount = issued[0].Amount * 2 },
		"another keyset":  func(e *recount.Evidence) { e.Notes[0].Keyset = "01" + strings.Repeat("00", 32) },
		"a proof altered": func(e *recount.Evidence) { e.Notes[0].E = issued[1].E },
		"a signature of another note": func(e *recount.Evidence) {
			e.Notes[0].C = issued[1].C
		},
		"written in capitals": func(e *recount.Evidence) { e.Notes[0].B = strings.ToUpper(e.Notes[0].B) },
		"another log":         func(e *recount.Evidence) { e.Origin = "other.example/log" },
		"another reserve":     func(e *recount.Evidence) { e.Reserve = "ccc" },
		"a checkpoint of nobody": func(e *recount.Evidence) {
			e.Checkpoint = strings.Replace(e.Checkpoint, "cash.example", "cash.exampl3", 1)
		},
		"a note left out of a stamp": func(e *recount.Evidence) { e.Notes = e.Notes[:1] },
		"the notes in another order": func(e *recount.Evidence) { e.Notes[0], e.Notes[1] = e.Notes[1], e.Notes[0] },
	} {
		e := good()
		forge(e)
		list, _, _, err := e.Check(ctx, source, stamp)
		if err == nil {
			t.Errorf("%s: %+v", name, list)
			continue
		}
		if e.Stamp = nil; !strings.Contains(name, "stamp") && !strings.Contains(name, "order") {
			if list, _, _, err := e.Check(ctx, source, stamp); err == nil { // it is not the stamp alone that finds it out
				t.Errorf("%s, without its stamp: %+v", name, list)
			}
		}
		if coded, is := fault.Of(err); name != "a checkpoint of nobody" && (!is ||
			coded.ErrorCode() != "cash-evidence-wrong" && coded.ErrorCode() != "cash-log-wrong") {
			t.Errorf("%s: refused without a code: %v", name, err)
		}
	}
	e := good()
	e.Stamp = nil // without it nobody knows when the notes were signed
	if list, _, _, err := e.Check(ctx, source, stamp); err != nil || recount.Convicts(list) {
		t.Errorf("without its stamp: %+v, %v", list, err)
	}
	for name, text := range map[string]string{"nothing": "", "no JSON": "{", "another kind": `{"kind":"aqsha receipt"}`,
		"no notes": `{"kind":"aqsha cash evidence 1","notes":[]}`} {
		if _, err := recount.DecodeEvidence([]byte(text)); !errors.Is(err, recount.ErrNoEvidence) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := notes.CheckStamp([]byte("receipt"), make([]byte, 32)); err == nil {
		t.Error("what is no receipt is taken for one")
	}
	if _, err := notes.CheckStamp(nil, []byte("network")); err == nil {
		t.Error("a log without a ledger has a stamp")
	}
}

func FuzzEvidence(f *testing.F) {
	f.Add([]byte(`{"kind":"aqsha cash evidence 1","notes":[{"keyset":"01","amount":1,"B_":"02","C_":"03","e":"","s":""}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := recount.DecodeEvidence(raw)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := recount.DecodeEvidence(again); err != nil {
			t.Fatalf("written again it is none: %s", again)
		}
		for i := range e.Notes {
			if _, err := e.Notes[i].Check(&cash.Keyset{}); err == nil {
				t.Fatal("a note of no keyset was signed")
			}
		}
	})
}
