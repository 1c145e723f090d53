package wallet_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// counter is a node's address that notes what is asked there, after a delay as of a long way.
type counter struct {
	*httptest.Server
	next  http.Handler
	delay time.Duration

	mu    sync.Mutex
	asked []string
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked = append(c.asked, r.Method+" "+path.Base(r.URL.Path))
	c.mu.Unlock()
	time.Sleep(c.delay)
	c.next.ServeHTTP(w, r)
}

// take returns what was asked since the last time.
func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

// serve has a town's node listen: open, or for holders of keys alone.
func (w *town) serve(t testing.TB, open bool) *counter {
	c := &counter{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	c.next = api.New(w.node, api.Options{Open: open, Origins: []string{c.URL}}).Handler()
	return c
}

// client is a new run of the payer's program at a node.
func (w *town) client(t testing.TB, d *disk.Disk, c *counter) *wallet.Client {
	t.Helper()
	keyring, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return wallet.LazyClient(t.Context(), api.NewClient(c.URL, ""), keyring)
}

// A payment takes two requests: tokens are chosen, and the payment is sent. Where a node is not open, the first run signs in
// before, and those of the next quarter of an hour do not.
func TestAPaymentTakesTwoRequests(t *testing.T) {
	w := newTown(t)
	shop := w.register("shop")
	d := disk.New(7)
	w.pocket(d)
	two := []string{"POST selections", "POST transactions"}
	pay := func(c *counter) []string {
		t.Helper()
		if _, err := w.client(t, d, c).Pay(t.Context(), w.payer, shop, money.Tenge, token.Plain("tea")); err != nil {
			t.Fatal(err)
		}
		return c.take()
	}
	open := w.serve(t, true)
	for range 2 {
		if asked := pay(open); !slices.Equal(asked, two) {
			t.Errorf("open: %v, want %v", asked, two)
		}
	}
	closed := w.serve(t, false)
	if asked := pay(closed); len(asked) != 5 {
		t.Errorf("with a sign-in: %v, want five", asked)
	}
	if asked := pay(closed); !slices.Equal(asked, two) {
		t.Errorf("with the session that was kept: %v, want %v", asked, two)
	}
	// Another run of the node has forgotten its sessions: the key signs in again.
	closed.next = api.New(w.node, api.Options{Origins: []string{closed.URL}}).Handler()
	if asked := pay(closed); len(asked) != 5 {
		t.Errorf("with a session that the node forgot: %v, want five", asked)
	}
	// A client that asks for the network first, as other commands do, and then pays likewise.
	keyring, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := wallet.NewClient(t.Context(), api.NewClient(open.URL, ""), keyring)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pay(t.Context(), w.payer, shop, money.Tenge, token.Memo{}); err != nil {
		t.Fatal(err)
	}
	if asked := open.take(); len(asked) != 3 {
		t.Errorf("a desk that asks first: %v, want three", asked)
	}
	left, err := w.API.Wallet(t.Context(), w.payer)
	if err != nil || left.Balance != 899_994*money.Tenge {
		t.Errorf("%s are left after six payments, %v", left.Balance, err)
	}
}

// Not the whole answer of an expected node counts but its word: an address that another took is no place to pay.
func TestAPaymentToAnotherNodeThanExpected(t *testing.T) {
	w := newTown(t)
	shop := w.register("shop")
	d := disk.New(8)
	w.pocket(d)
	c := w.serve(t, true)
	c.next = api.New(w.node, api.Options{Open: true, Instance: "this run"}).Handler()
	for _, expected := range []string{"this run", "another run"} { // what the second sets aside stays so: nobody pays after it
		keyring, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		remote := api.NewClient(c.URL, "")
		remote.Expect(expected)
		client := wallet.LazyClient(t.Context(), remote, keyring)
		_, err = client.Pay(t.Context(), w.payer, shop, money.Tenge, token.Memo{})
		var elsewhere *api.ElsewhereError
		if paid := expected == "this run"; (err == nil) != paid || errors.As(err, &elsewhere) == paid {
			t.Errorf("expecting %q: %v", expected, err)
		}
	}
}

// BenchmarkPay pays over a delay of 50 ms, by a client that asks first and by one that does not.
func BenchmarkPay(b *testing.B) {
	for _, lazy := range []bool{false, true} {
		name := "asking first"
		if lazy {
			name = "two requests"
		}
		b.Run(name, func(b *testing.B) {
			w := newTown(b)
			shop := w.register("shop")
			c := w.serve(b, true)
			c.delay = 50 * time.Millisecond
			for b.Loop() {
				remote := api.NewClient(c.URL, "")
				client := wallet.LazyClient(b.Context(), remote, w.Keyring)
				if !lazy {
					if _, err := remote.Instance(b.Context()); err != nil { // as the command did
						b.Fatal(err)
					}
					var err error
					if client, err = wallet.NewClient(b.Context(), remote, w.Keyring); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := client.Pay(b.Context(), w.payer, shop, money.Tenge, token.Memo{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(c.take()))/float64(b.N), "requests/op")
		})
	}
}

// Only what an earlier run paid "had been paid before". A run whose request came nowhere has paid nothing: the one after it pays,
// and says so; a run whose answer was lost has paid.
func TestWhoHasPaidBefore(t *testing.T) {
	for _, tc := range []struct {
		lost  string
		again bool
	}{{"the request", false}, {"the answer", true}} {
		t.Run(tc.lost, func(t *testing.T) {
			w := newTown(t)
			shop := w.register("shop")
			d := disk.New(11)
			w.pocket(d)
			c := w.serve(t, true)
			whole := c.next
			pay := func() (outcome wallet.Outcome, err error) {
				client := w.client(t, d, c)
				err = client.PayBatch(t.Context(), wallet.Batch{File: "idempotency key k", From: w.payer, Repeat: true, Journal: "town/k.journal",
					Rows: []wallet.Row{{Line: 1, ID: "k", To: shop.String(), Amount: money.Tenge}}}, func(o wallet.Outcome) error { outcome = o; return nil })
				return outcome, err
			}
			var cut atomic.Bool
			cut.Store(true)
			c.next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if !cut.Load() || r.Method != http.MethodPost || path.Base(r.URL.Path) != "transactions" {
					whole.ServeHTTP(rw, r)
					return
				}
				if tc.again {
					whole.ServeHTTP(httptest.NewRecorder(), r)
				}
				panic(http.ErrAbortHandler)
			})
			if outcome, err := pay(); err == nil {
				t.Fatalf("without an answer: %+v", outcome)
			}
			cut.Store(false)
			for run, again := range []bool{tc.again, true} {
				w.clock.Add(1000)
				if outcome, err := pay(); err != nil || outcome.Receipt == nil || outcome.Again != again {
					t.Errorf("run %d after it: %+v, %v; want again %v", run+1, outcome, err, again)
				}
			}
			left, err := w.API.Wallet(t.Context(), w.payer)
			if err != nil || left.Balance != 899_999*money.Tenge {
				t.Errorf("%s are left, %v", left.Balance, err)
			}
		})
	}
}
