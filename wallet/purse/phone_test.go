package purse_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"testing"

	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/purse"
)

const (
	noon = uint64(1_790_000_000_000)
	kzt  = money.Tenge
)

var (
	network   = token.NetworkID{5}
	bank      = token.WalletID{0xba}
	certifier = token.NewPrivateKey(sha256.Sum256([]byte("certifier")))
	logKey    = token.NewPrivateKey(sha256.Sum256([]byte("log")))
)

func at() uint64 { return noon }

// open makes a phone's file with a certified deposit.
func open(files vfs.FS, name string, deposit money.Tiyn) error {
	p := purse.Open(files, name, at, rand.Reader)
	key, err := p.New(network)
	if err != nil {
		return err
	}
	if err := p.Learn(map[token.WalletID]token.PublicKey{bank: certifier.Public()}, logKey.Public()); err != nil {
		return err
	}
	certificate, err := certificateOf(name, key, 1, deposit)
	if err != nil {
		return err
	}
	return p.Certify(certificate)
}

func certificateOf(name string, key token.PublicKey, serial uint32, deposit money.Tiyn) ([]byte, error) {
	sum := sha256.Sum256([]byte(name))
	c := rules.Certificate{Purse: token.WalletID(sum[:16]), Key: key, Intermediary: bank, Serial: serial,
		Deposit: deposit,
		Class:   rules.Software, ExpiryMillis: noon + 30*86_400_000, Limits: rules.Limits{MaxPayment: 20_000 * kzt,
			MaxOffline: 100_000 * kzt, MaxHops: 5, AgeHours: 168}}
	err := c.Sign(network, certifier)
	return c.Append(nil), err
}

func phone(files vfs.FS, name string) *purse.Phone { return purse.Open(files, name, at, rand.Reader) }

// phones opens some purses on a simulated disk.
func phones(t *testing.T, deposits map[string]money.Tiyn) vfs.FS {
	t.Helper()
	files := disk.New(1).FS()
	for name, deposit := range deposits { // any order: each by itself
		if err := open(files, name, deposit); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func standing(t *testing.T, files vfs.FS, name string) purse.Standing {
	t.Helper()
	s, err := phone(files, name).Standing()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pays is one exchange over a pipe.
func pays(files vfs.FS, from, to string, amount money.Tiyn) error {
	payer, payee := net.Pipe()
	got := make(chan error, 1)
	go func() {
		_, err := phone(files, to).Collect(payee, amount)
		payee.Close()
		got <- err
	}()
	_, err := phone(files, from).Give(payer, amount)
	payer.Close()
	return errors.Join(err, <-got)
}

// Three hops over pipes: each pays on what it got, and the last can settle all of it alone.
func TestThreeHopsOverPipes(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "b": 0, "c": 0, "d": 0})
	for i, hop := range []string{"ab", "bc", "cd"} {
		if err := pays(files, hop[:1], hop[1:], (900-money.Tiyn(i))*kzt); err != nil {
			t.Fatal(err)
		}
	}
	settlements, err := phone(files, "d").Settlements()
	if err != nil || len(settlements) != 1 || len(settlements[0]) != 3 {
		t.Fatalf("%d settlements, %v", len(settlements), err)
	}
	if s := standing(t, files, "d"); s.Funds != 898*kzt || s.Pending {
		t.Errorf("d stands at %+v", s)
	}
	if s := standing(t, files, "a"); s.Funds != 100*kzt || s.Pending || s.Paid != 900*kzt {
		t.Errorf("a stands at %+v", s)
	}
}

// cut is a connection that dies once so many bytes have gone either way.
type cut struct {
	net.Conn
	left *int
}

var errCut = errors.New("cut")

func (c cut) Write(b []byte) (int, error) {
	if *c.left < len(b) {
		n, _ := c.Conn.Write(b[:max(0, *c.left)])
		*c.left = 0
		c.Close()
		return n, errCut
	}
	*c.left -= len(b)
	return c.Conn.Write(b)
}

// An exchange broken at any byte leaves nothing, or a payment that both can finish later; none twice.
func TestAnExchangeIsCutAtEveryByte(t *testing.T) {
	for n := 0; ; n += 7 {
		files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "b": 0})
		payer, payee := net.Pipe()
		left, done := n, make(chan error, 1)
		go func() {
			_, err := phone(files, "b").Collect(cut{payee, &left}, 300*kzt)
			payee.Close()
			done <- err
		}()
		_, err := phone(files, "a").Give(cut{payer, &left}, 300*kzt)
		payer.Close()
		whole := errors.Join(err, <-done) == nil
		a, b := standing(t, files, "a"), standing(t, files, "b")
		if a.Paid < b.Received || a.Paid != b.Received && !a.Pending {
			t.Fatalf("cut at %d: %s were paid, %s received, pending %t", n, a.Paid, b.Received, a.Pending)
		}
		if err := pays(files, "a", "b", 200*kzt); err != nil { // what is pending goes first
			t.Fatalf("after a cut at %d: %v", n, err)
		}
		want := 200 * kzt
		if a.Paid > 0 {
			want += 300 * kzt
		}
		if a, b := standing(t, files, "a"), standing(t, files, "b"); a.Paid != want || b.Received != want || a.Pending {
			t.Fatalf("cut at %d: %s were paid, %s received, want %s", n, a.Paid, b.Received, want)
		}
		if whole {
			return
		}
	}
}

// Whatever write fails, and whichever side dies: what was acknowledged is there, and both agree once they have met
// again.
func TestPursesSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	const each = 10 * kzt
	step := func(files vfs.FS) error {
		p, q := phone(files, "a"), phone(files, "b")
		_, message, err := p.Pending()
		if err != nil {
			return err
		}
		if message == nil {
			request, err := q.Ask(each)
			if err != nil {
				return err
			}
			if message, err = p.Pay(request, each); err != nil {
				return err
			}
		}
		receipt, _, err := q.Take(message)
		if err != nil {
			return err
		}
		return p.Finish(receipt)
	}
	diskfault.Every(t, func(files vfs.FS) error {
		return errors.Join(open(files, "a", 1000*kzt), open(files, "b", 0), step(files))
	}, func(files vfs.FS) (done int, err error) {
		for done = 1; done < 4; done++ {
			if err := step(files); err != nil {
				return done, err
			}
		}
		return done, nil
	}, func(files vfs.FS, done int) error {
		p, q := phone(files, "a"), phone(files, "b")
		a, err := p.Standing()
		if err != nil {
			return err
		}
		b, err := q.Standing()
		if err != nil {
			return err
		}
		ahead := a.Paid - b.Received
		if b.Received < each*money.Tiyn(done) || ahead != 0 && (ahead != each || !a.Pending) {
			return fmt.Errorf("%d payments were acknowledged; %s are paid and %s received", done, a.Paid, b.Received)
		}
		if err := step(files); err != nil { // it goes on
			return err
		}
		a, _ = p.Standing()
		b, _ = q.Standing()
		if a.Paid != b.Received || a.Pending {
			return fmt.Errorf("%s are paid, %s received", a.Paid, b.Received)
		}
		return nil
	})
}

// A file is discarded while no purse was opened for its key, and the same name takes another then.
func TestAFileIsDiscarded(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt})
	if err := phone(files, "a").Discard(); err == nil || standing(t, files, "a").Funds != 1000*kzt {
		t.Fatalf("a purse with money was discarded: %v", err)
	}
	b := phone(files, "b")
	for range 2 {
		if _, err := b.New(network); err != nil {
			t.Fatal(err)
		}
		if err := b.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Discard(); err == nil {
		t.Error("nothing was discarded")
	}
}

// A payment whose receipt never comes does not stop the next one: it stays paid, under a number of its own, and can
// still be shown.
func TestAPaymentIsGivenUp(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "b": 0, "c": 0})
	a, b, c := phone(files, "a"), phone(files, "b"), phone(files, "c")
	_, _, err := a.GiveUp()
	wants(t, rules.NonePending, err)
	request, err := b.Ask(100 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := a.Pay(request, 100*kzt)
	if err != nil {
		t.Fatal(err)
	}
	if err := pays(files, "a", "c", 50*kzt); err == nil {
		t.Fatal("a payment went beside a pending one")
	}
	asked, message, err := a.GiveUp()
	if err != nil || asked.Amount != 100*kzt || !bytes.Equal(message, lost) {
		t.Fatalf("given up is %+v, %v", asked, err)
	}
	_, _, err = a.GiveUp()
	wants(t, rules.NonePending, err)
	if s := standing(t, files, "a"); s.Paid != 100*kzt || s.Funds != 900*kzt || s.Pending || s.GivenUp != 1 {
		t.Fatalf("a stands at %+v", s)
	}
	other, err := c.Ask(50 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	next, err := a.Pay(other, 50*kzt)
	if err != nil {
		t.Fatal(err)
	}
	first, second := linkOf(t, lost), linkOf(t, next)
	if second.Number != 2 || second.PaidBefore != 100*kzt || rules.Conflict(network, &first, &second) != "" {
		t.Fatalf("the next link is %+v", second)
	}
	// What was given up is still the same for its request, beside a pending one, and its receipt ends it.
	again, err := a.Pay(request, 100*kzt)
	if err != nil || !bytes.Equal(again, lost) {
		t.Fatalf("shown again it is another: %v", err)
	}
	receipt, _, err := b.Take(again)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Finish(receipt); err != nil {
		t.Fatal(err)
	}
	if s := standing(t, files, "a"); s.Paid != 150*kzt || !s.Pending || s.GivenUp != 0 {
		t.Errorf("a stands at %+v", s)
	}
}

func linkOf(t *testing.T, message []byte) rules.Link {
	t.Helper()
	m, err := rules.DecodeMessage(message)
	if err != nil {
		t.Fatal(err)
	}
	return *m.Payment()
}

// Whatever write fails while payments are given up: none is lost or signed twice, and the payee takes them all.
func TestWhatWasGivenUpSurvivesTheDisk(t *testing.T) {
	t.Parallel()
	const each = 10 * kzt
	step := func(files vfs.FS) error {
		request, err := phone(files, "b").Ask(each)
		if err != nil {
			return err
		}
		if _, err := phone(files, "a").Pay(request, each); err != nil {
			return err
		}
		_, _, err = phone(files, "a").GiveUp()
		return err
	}
	diskfault.Every(t, func(files vfs.FS) error {
		return errors.Join(open(files, "a", 1000*kzt), open(files, "b", 0), step(files))
	}, func(files vfs.FS) (done int, err error) {
		for done = 1; done < 4; done++ {
			if err := step(files); err != nil {
				return done, err
			}
		}
		return done, nil
	}, func(files vfs.FS, done int) error {
		a, b := phone(files, "a"), phone(files, "b")
		s, err := a.Standing()
		if err != nil {
			return err
		}
		if s.Pending {
			if _, _, err := a.GiveUp(); err != nil {
				return err
			}
		}
		if err := step(files); err != nil { // it goes on
			return err
		}
		messages, err := a.GivenUp()
		if err != nil {
			return err
		}
		if len(messages) < done+1 {
			return fmt.Errorf("%d payments were given up; %d are there", done+1, len(messages))
		}
		for _, message := range messages {
			if _, _, err := b.Take(message); err != nil {
				return err
			}
		}
		after, err := a.Standing()
		if err != nil {
			return err
		}
		got, err := b.Standing()
		if err != nil || after.Paid != got.Received || after.Paid != each*money.Tiyn(len(messages)) {
			return fmt.Errorf("%s are paid, %s received of %d payments, %w", after.Paid, got.Received, len(messages),
				err)
		}
		return nil
	})
}

func wants(t *testing.T, code token.Code, err error) {
	t.Helper()
	if got := fault.Code(err); got != string(code) {
		t.Errorf("%v, want %s", err, code)
	}
}

// What comes from the other side is never trusted: too long, cut, of another kind, replayed, for another request, or
// from a purse that is revoked.
func TestWhatAPhoneRefuses(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "b": 0, "c": 0})
	a, b, c := phone(files, "a"), phone(files, "b"), phone(files, "c")
	request, err := b.Ask(100 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Pay(request, 99*kzt)
	wants(t, rules.OverLimit, err)
	message, err := a.Pay(request, 100*kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Take(message) // shown to another
	wants(t, rules.OtherPayee, err)
	first, _, err := b.Take(message)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := b.Take(message) // shown twice: the same yes
	if err != nil || !bytes.Equal(first, again) || standing(t, files, "b").Received != 100*kzt {
		t.Errorf("%x and %x, %v", first, again, err)
	}
	other, err := c.Ask(kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Pay(other, kzt)
	wants(t, rules.PaymentPending, err)
	if err := errors.Join(a.Finish(first), a.Finish(first)); err != nil {
		t.Error(err)
	}
	purseOfA := standing(t, files, "a").Purse
	if err := c.Revoke(listOf(1, noon, purseOfA).Append(nil)); err != nil {
		t.Fatal(err)
	}
	message, err = a.Pay(other, kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Take(message)
	wants(t, rules.Revoked, err)
	if _, err := purse.Receive(bytes.NewReader([]byte{0xff, 0xff})); fault.Code(err) != string(token.TooLarge) {
		t.Error(err)
	}
	if _, err := purse.Receive(bytes.NewReader([]byte{0, 9, 1})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := purse.FromText("0g"); err == nil {
		t.Error("text that is none is read")
	}
}

// Who restored an old copy and pays twice is caught by whoever sees both: the conviction comes with the refusal.
func TestACloneIsCaught(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt, "b": 0})
	copied := contentOf(t, files, "a")
	if err := pays(files, "a", "b", 400*kzt); err != nil {
		t.Fatal(err)
	}
	write(t, files, "a", copied)
	request, err := phone(files, "b").Ask(500 * kzt)
	if err != nil {
		t.Fatal(err)
	}
	message, err := phone(files, "a").Pay(request, 500*kzt)
	if err != nil {
		t.Fatal(err)
	}
	_, conviction, err := phone(files, "b").Take(message)
	wants(t, rules.Conflicting, err)
	c, err := rules.DecodeConviction(conviction)
	if err != nil {
		t.Fatal(err)
	}
	s := standing(t, files, "a")
	if err := c.Verify(network, s.Purse, s.Key); err != nil {
		t.Error(err)
	}
	// From then on nothing of it is taken, before any ledger has heard of it, and the proof is not lost.
	write(t, files, "a", copied)
	known := map[token.WalletID]token.PublicKey{bank: certifier.Public()}
	if request, err = phone(files, "b").Ask(kzt); err != nil {
		t.Fatal(err)
	}
	if message, err = phone(files, "a").Pay(request, kzt); err != nil {
		t.Fatal(err)
	}
	if err := phone(files, "b").Learn(known, logKey.Public()); err != nil {
		t.Fatal(err)
	}
	_, again, err := phone(files, "b").Take(message)
	wants(t, rules.Revoked, err)
	if !bytes.Equal(again, conviction) || standing(t, files, "b").Received != 400*kzt {
		t.Errorf("the proof is %x, was %x", again, conviction)
	}
}

func contentOf(t testing.TB, files vfs.FS, name string) []byte {
	t.Helper()
	f, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, _ := f.Size()
	content := make([]byte, size)
	if _, err := f.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return content
}

func write(t testing.TB, files vfs.FS, name string, content []byte) {
	t.Helper()
	if err := files.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	f, err := files.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A certificate is the purse's own, by its certifier, and never an older one.
func TestCertificates(t *testing.T) {
	files := phones(t, map[string]money.Tiyn{"a": 1000 * kzt})
	a := phone(files, "a")
	key := standing(t, files, "a").Key
	later, err := certificateOf("a", key, 2, 1500*kzt)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Certify(later); err != nil || standing(t, files, "a").Deposit != 1500*kzt {
		t.Fatal(err)
	}
	older, _ := certificateOf("a", key, 1, 1000*kzt)
	wants(t, rules.OtherPurse, a.Certify(older))
	others, _ := certificateOf("b", key, 3, kzt)
	wants(t, rules.OtherPurse, a.Certify(others))
	forged := bytes.Clone(later)
	forged[len(forged)-1] ^= 1
	wants(t, rules.BadSignature, a.Certify(forged))
	if _, err := phone(files, "nobody").Standing(); err == nil {
		t.Error("a purse that is not there stands")
	}
	if _, err := a.New(network); err == nil {
		t.Error("a purse was made over another")
	}
}
