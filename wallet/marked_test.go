package wallet_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// agency grants the role of an agency.
func (w *town) agency(name string) token.WalletID {
	w.t.Helper()
	receipt, err := w.GrantAgency(w.t.Context(), name)
	w.must("an agency", nil, err)
	return token.RegisteredID(receipt.ID)
}

// purpose registers one that the agency's payer marks for a shop, and that stays marked among the rest.
func (w *town) purpose(agency token.WalletID, name string, change func(p *token.Purpose)) {
	w.t.Helper()
	p := token.Purpose{Name: name, About: "for tests", Earmark: "true", Hops: 9, FromMillis: w.clock.Load(),
		UntilMillis: w.clock.Load() + 86_400_000, Returns: w.payer,
		Permits: []token.Permit{{When: `payee.role == "shop"`}, {When: "true", Becomes: token.BecomesSame}}}
	if change != nil {
		change(&p)
	}
	_, err := w.RegisterPurpose(w.t.Context(), agency, p)
	w.must("purpose "+name, nil, err)
}

// shop is a wallet that may have marked money as its own.
func (w *town) shop(name string) token.WalletID {
	w.t.Helper()
	receipt, err := w.Register(w.t.Context(), wallet.NewWallet{Name: name, Registrar: w.bank(), Tier: wallet.TierBusiness,
		Attributes: token.Attributes{Role: "shop"}})
	w.must("a shop", nil, err)
	return token.RegisteredID(receipt.ID)
}

// earmarked pays marked money, or marks it.
func (w *town) earmarked(from, to token.WalletID, amount money.Tiyn, purpose string, mark bool) (uint32, error) {
	w.t.Helper()
	p, err := w.Purpose(w.t.Context(), purpose)
	w.must("purpose "+purpose, nil, err)
	_, becomes, err := w.PayEarmarked(w.t.Context(), wallet.EarmarkedPayment{From: from, To: to, Amount: amount,
		Purpose: p, Earmark: mark})
	return becomes, err
}

// Marked money is counted at every step: what was marked is what is left of it and what came out, to the tiyn; also
// where it lies in more tokens than a payment may spend, and where a purpose was amended meanwhile.
func TestMarkedMoneyIsCounted(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	ministry, shop, school := w.agency("ministry"), w.shop("bookshop"), w.register("school")
	w.purpose(ministry, "books", nil)
	counted := func(entered, left money.Tiyn) {
		t.Helper()
		view, err := w.Purpose(ctx, "books")
		w.must("books", nil, err)
		var all, out money.Tiyn
		list, err := w.API.Purposes(ctx)
		w.must("purposes", nil, err)
		for _, p := range list {
			all, out = all+p.Live, out+p.Left
		}
		if all != entered-left || out != left {
			t.Errorf("%s are marked and %s came out of %s; by hand %s came out (%+v)", all, out, entered, left, view)
		}
	}
	number, err := w.earmarked(w.payer, school, 5_000, "books", true)
	w.must("marking", nil, err)
	if view, err := w.Purpose(ctx, "books"); err != nil || number != view.Number {
		t.Errorf("marked as %d: %+v, %v", number, view, err)
	}
	counted(5_000, 0)
	becomes, err := w.earmarked(school, shop, 1_200, "books", false)
	if err != nil || becomes != 0 {
		t.Errorf("paid to a shop it becomes %d, %v", becomes, err)
	}
	counted(5_000, 1_200)
	if becomes, err = w.earmarked(school, w.payer, 300, "books", false); err != nil || becomes != number {
		t.Errorf("paid to somebody else it becomes %d, %v", becomes, err)
	}
	counted(5_000, 1_200)
	if _, err = w.earmarked(school, shop, 3_501, "books", false); err == nil {
		t.Error("more was paid than is there")
	}
	// Seventy small tokens, where a payment spends 64: they are merged on the way.
	for range 70 {
		_, err := w.earmarked(w.payer, school, 10, "books", true)
		w.must("a small token", nil, err)
	}
	counted(5_700, 1_200)
	if _, err = w.earmarked(school, shop, 4_200, "books", false); err != nil {
		t.Fatalf("all that the school has: %v", err)
	}
	counted(5_700, 5_400)
	if held, err := w.API.Tokens(ctx, school, 100); err != nil || len(held.Tokens) != 0 {
		t.Errorf("the school still has %+v, %v", held, err)
	}
	if got := w.view(shop).Balance; got != 5_400 {
		t.Errorf("the shop has %s", got)
	}
}

// What is called by a name is found by it as long as one bears it; a purpose of another agency makes it ambiguous, a
// number and AGENCY/NAME never are; one that has ended stands behind one that lives; and an agency that is suspended
// registers nothing until it is let on again.
func TestPurposesByTheirNames(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	first, second := w.agency("ministry"), w.agency("akimat")
	w.purpose(first, "books", func(p *token.Purpose) { p.NoticeMillis = 60_000 })
	w.purpose(first, "roads", func(p *token.Purpose) { p.UntilMillis = p.FromMillis + 60_000 })
	w.pass(2 * time.Minute)
	w.purpose(second, "roads", nil)
	number := func(text string) uint32 {
		t.Helper()
		p, err := w.Purpose(ctx, text)
		w.must(text, nil, err)
		name, err := w.PurposeName(ctx, p)
		w.must(name, nil, err)
		if again, err := w.Purpose(ctx, name); err != nil || strings.Contains(text, "/") && again.Number != p.Number {
			t.Errorf("%s is %s: %d and %d, %v", text, name, p.Number, again.Number, err)
		}
		return p.Number
	}
	if number("roads") != number("akimat/roads") {
		t.Error("the purpose that has ended goes before the one that lives")
	}
	w.purpose(second, "books", nil)
	_, err := w.Purpose(ctx, "books")
	if fault.Code(err) != string(wallet.AmbiguousName) {
		t.Errorf("two purposes of one name: %v", err)
	}
	if a, b := number("ministry/books"), number("akimat/books"); a == b || number(second.String()+"/books") != b {
		t.Error("two purposes of one name are one")
	}
	for _, none := range []string{"", "bridges", "ministry/bridges", "nobody/books", "99", "4294967296", "/"} {
		if p, err := w.Purpose(ctx, none); fault.Code(err) != string(node.NotFound) {
			t.Errorf("%q is %+v, %v", none, p, err)
		}
	}
	// Amended, the older holds until the newer begins.
	newer := token.Purpose{Name: "books", About: "with pictures", Earmark: "true", Returns: w.payer,
		UntilMillis: w.clock.Load() + 86_400_000, Permits: []token.Permit{{When: "true"}}}
	w.must("what it amends", nil, w.Amends(ctx, first, "books", &newer))
	if newer.Amends != number("ministry/books") || newer.FromMillis < w.clock.Load() {
		t.Fatalf("%+v", newer)
	}
	newer.FromMillis += 3_600_000
	_, err = w.RegisterPurpose(ctx, first, newer)
	w.must("an amendment", nil, err)
	old := number("ministry/books")
	if old != newer.Amends {
		t.Errorf("before it begins %d holds, want %d", old, newer.Amends)
	}
	p, err := w.Purpose(ctx, "ministry/books")
	w.must("books", nil, err)
	latest, err := w.Newest(ctx, p)
	if err != nil || latest.Amends != old {
		t.Errorf("%+v, %v", latest, err)
	}
	w.pass(2 * time.Hour)
	if now := number("ministry/books"); now != latest.Number {
		t.Errorf("after it began %d holds, want %d", now, latest.Number)
	}

	_, err = w.SuspendAgency(ctx, first, true)
	w.must("suspending", nil, err)
	refused := token.Purpose{Name: "bridges", About: "a", Earmark: "true", Returns: w.payer, FromMillis: w.clock.Load(),
		UntilMillis: w.clock.Load() + 60_000, Permits: []token.Permit{{When: "true"}}}
	if _, err = w.RegisterPurpose(ctx, first, refused); !isProblem(err, ledger.Suspended) {
		t.Errorf("a suspended agency registers: %v", err)
	}
	_, err = w.SuspendAgency(ctx, first, false)
	w.must("reinstating", nil, err)
	if _, err = w.RegisterPurpose(ctx, first, refused); err != nil {
		t.Errorf("reinstated: %v", err)
	}
	if _, err = w.SuspendAgency(ctx, w.payer, true); fault.Code(err) != string(node.NotFound) {
		t.Errorf("a wallet is no agency: %v", err)
	}
	if _, err = w.GrantAgency(ctx, "akimat"); fault.Code(err) != string(wallet.NameTaken) {
		t.Errorf("an agency's name twice: %v", err)
	}
}

// What an agency vouches for stands with the wallet, until it takes it back.
func TestAnAgencyVouches(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	registry, farm := w.agency("registry"), w.register("farm")
	for _, withdrawn := range []bool{false, true} {
		_, err := w.Vouch(ctx, registry, farm, "licensed", withdrawn)
		w.must("vouching", nil, err)
		vouched := slices.ContainsFunc(w.view(farm).Testimonies, func(v string) bool {
			return strings.Contains(v, "licensed")
		})
		if vouched == withdrawn {
			t.Errorf("withdrawn %v: %v", withdrawn, w.view(farm).Testimonies)
		}
	}
}

// losing passes requests on and loses the answers to transactions, after the node has done them.
type losing struct{ next http.Handler }

func (l losing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path.Base(r.URL.Path) != "transactions" {
		l.next.ServeHTTP(w, r)
		return
	}
	l.next.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Whoever has no answer does not know whether he paid: the tokens stay set aside, of marked money as of any, until it
// is known; after a refusal they are free at once.
func TestTokensOfALostAnswerStaySetAside(t *testing.T) {
	w := newTown(t)
	ministry, shop := w.agency("ministry"), w.shop("bookshop")
	w.purpose(ministry, "books", nil)
	_, err := w.earmarked(w.payer, w.payer, 700, "books", true)
	w.must("marking", nil, err)
	d := disk.New(3)
	w.pocket(d)
	c := w.serve(t, true)
	good := c.next
	purposed := func(amount money.Tiyn) error {
		client := w.client(t, d, c)
		p, err := client.Purpose(t.Context(), "books")
		w.must("books", nil, err)
		_, _, err = client.PayEarmarked(t.Context(), wallet.EarmarkedPayment{From: w.payer, To: shop, Amount: amount, Purpose: p})
		return err
	}
	plain := func(amount money.Tiyn) error {
		_, err := w.client(t, d, c).Pay(t.Context(), w.payer, shop, amount, token.Memo{})
		return err
	}
	for what, pay := range map[string]func(money.Tiyn) error{"marked": purposed, "plain": plain} {
		before := w.view(shop).Balance
		c.next = losing{good}
		c.take()
		err := pay(100)
		if unanswered := (*api.UnansweredError)(nil); !errors.As(err, &unanswered) {
			t.Errorf("%s: the answer was lost, and yet: %v", what, err)
		}
		if asked := c.take(); slices.Contains(asked, "POST releases") {
			t.Errorf("%s: nobody answered, and the tokens were let go: %v", what, asked)
		}
		if got := w.view(shop).Balance - before; got != 100 {
			t.Errorf("%s: the shop had %s of the payment whose answer was lost", what, got)
		}
		c.next = good
	}
	// Refused: a frozen payer's tokens are let go.
	if _, err = w.Freeze(t.Context(), w.payer, token.FreezeAll, "1"); err != nil {
		t.Fatal(err)
	}
	for what, pay := range map[string]func(money.Tiyn) error{"marked": purposed, "plain": plain} {
		c.take()
		if err := pay(1); err == nil {
			t.Errorf("%s: a frozen wallet pays", what)
		}
		asked := c.take()
		if slices.Contains(asked, "POST transactions") != slices.Contains(asked, "POST releases") {
			t.Errorf("%s: refused, and the tokens were not let go: %v", what, asked)
		}
	}
}

// A contract's life by its template: defined once, made under a name, called by an action; what it is given is what it
// pays out, and a word that is no action, or a name that is taken, moves nothing.
func TestAContractByItsTemplate(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	court, err := w.Register(ctx, wallet.NewWallet{Name: "court", Registrar: token.Authority, Tier: wallet.TierBusiness,
		Attributes: token.Attributes{Role: ledger.CourtRole}})
	w.must("a court", nil, err)
	builder := w.register("builder")
	made := wallet.NewContract{Template: "escrow", Name: "roof", By: w.payer, Paid: 400,
		Parties: []token.WalletID{w.payer, builder, token.RegisteredID(court.ID)},
		Terms:   []token.Value{token.Int(400), token.Int(30)}}
	before := w.view(w.payer).Balance
	if _, err := w.Create(ctx, made); err != nil {
		t.Fatal(err)
	}
	id, err := w.Keyring.Resolve("roof")
	w.must("the contract's name", nil, err)
	if _, err := w.Create(ctx, made); err == nil {
		t.Error("two contracts of one name")
	}
	if got := w.view(w.payer).Balance; got != before-400 {
		t.Errorf("the payer has %s of %s", got, before)
	}
	if definition, err := w.Definition(ctx, "escrow"); err != nil || definition.Name != "escrow" {
		t.Errorf("%+v, %v", definition, err)
	} else if again, err := w.Definition(ctx, definition.ID.String()); err != nil || again.ID != definition.ID {
		t.Errorf("by its id: %+v, %v", again, err)
	}
	if _, err := w.Definition(ctx, "none"); fault.Code(err) != string(node.NotFound) {
		t.Errorf("a definition that never was: %v", err)
	}
	if _, err := w.Call(ctx, wallet.Call{Contract: id, By: w.payer, Action: "explode"}); err == nil {
		t.Error("an action that the contract does not have")
	}
	if _, err := w.Call(ctx, wallet.Call{Contract: id, By: builder, Action: "release"}); err == nil {
		t.Error("the payee released his own pay")
	}
	if got := w.view(builder).Balance; got != 0 {
		t.Errorf("refused calls paid %s", got)
	}
	if _, err := w.Call(ctx, wallet.Call{Contract: id, By: w.payer, Action: "release"}); err != nil {
		t.Fatal(err)
	}
	if got := w.view(builder).Balance; got != 400 {
		t.Errorf("the builder has %s", got)
	}
	if _, err := w.Create(ctx, wallet.NewContract{Template: "nothing", Name: "x", By: w.payer}); err == nil {
		t.Error("a contract of no template")
	}
	if _, ok := contract.Template("escrow"); !ok {
		t.Error("no template escrow")
	}
}

// A draft goes from hand to hand: it says whose signatures are missing, takes each once, and is refused by the ledger's
// own word where somebody altered who must sign.
func TestADraftFromHandToHand(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	shop := w.register("shop")
	var draft *wallet.Draft
	out := *w.Client
	out.Out = func(d *wallet.Draft) error { draft = d; return nil }
	out.Keyring, _ = wallet.OpenKeyring(t.TempDir(), "", nil) // whose keys are elsewhere
	if _, err := out.Pay(ctx, w.payer, shop, 500, token.Plain("rent")); !errors.Is(err, wallet.ErrDrafted) || draft == nil {
		t.Fatalf("%v", err)
	}
	var missing *wallet.MissingError
	if _, err := w.Submit(ctx, draft); !errors.As(err, &missing) || len(missing.Missing) != 1 || fault.Code(err) == "" {
		t.Errorf("unsigned: %v", err)
	}
	key, err := w.Keyring.Key("payer")
	w.must("the payer's key", nil, err)
	stranger, err := w.Keyring.Key("shop")
	w.must("the shop's key", nil, err)
	for _, c := range []struct {
		key  token.Signer
		want int
	}{{stranger, 0}, {key, 1}, {key, 0}} {
		if n, err := draft.Sign(c.key); err != nil || n != c.want {
			t.Errorf("%d signatures, %v; want %d", n, err, c.want)
		}
	}
	if len(draft.Missing()) != 0 || len(draft.Roles(key.Public())) != 0 {
		t.Errorf("signed, it lacks %v", draft.Missing())
	}
	w.must("the ledger's word", nil, w.Check(ctx, draft))
	altered := *draft
	altered.Signatories = slices.Clone(draft.Signatories)
	altered.Signatories[0].Keys = []token.PublicKey{stranger.Public()}
	if err := w.Check(ctx, &altered); !isCode(err, wallet.DraftAltered) {
		t.Errorf("another is to sign: %v", err)
	}
	altered.Signatories = nil
	if err := w.Check(ctx, &altered); !isCode(err, wallet.DraftAltered) {
		t.Errorf("nobody is to sign: %v", err)
	}
	if _, err := w.Submit(ctx, draft); err != nil {
		t.Fatal(err)
	}
	if got := w.view(shop).Balance; got != 500 {
		t.Errorf("the shop has %s", got)
	}
}
