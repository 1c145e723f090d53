package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// storyNode opens a node on the log of a story in which each kind of transaction and system entry happened.
func storyNode(t testing.TB) (*node.Node, *ledger.Model, *sim.Chain) {
	t.Helper()
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(33).Story(model)
	for i := range 128 { // a full tile: a leaf and a wallet each
		chain.Must(&token.Register{Sequence: model.Central.Set(token.RolePolicy).Sequence,
			Key: chain.Key(fmt.Sprint("court ", i)).Public(), Tier: 2,
			Attributes: token.Attributes{Role: ledger.CourtRole}})
	}
	w := chain.World
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.Genesis.Name,
		Signers: []note.Signer{w.LogSigner}, SegmentBytes: 1 << 20}}
	log, err := txlog.Open(filepath.Join(config.Dir, "log"), config.Options)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range chain.Blocks {
		batch, err := log.Stage(block)
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err = log.Publish(); err == nil {
		err = log.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	config.AcceptTime = true // the story is long ago
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, model, chain
}

// Every answer of every operation that reads, on a network in which everything happened, is as the description says: to
// somebody from the street, to a bank, to the holder of a key and to an auditor.
func TestEveryAnswerIsDescribed(t *testing.T) {
	n, model, chain := storyNode(t)
	market := t.TempDir()
	if err := synthetic.Write(market); err != nil {
		t.Fatal(err)
	}
	var bank token.WalletID
	for id := range model.Intermediaries { // any of them
		bank = id
	}
	h := httptest.NewUnstartedServer(nil)
	origin := "http://" + h.Listener.Addr().String()
	server := api.New(n, api.Options{MarketDir: market, Origins: []string{origin}, Dir: t.TempDir(),
		Story: func() []api.StoryStep {
			return []api.StoryStep{{Name: "a", Title: "A", State: "played"}}
		},
		Access: []api.Access{
			{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")},
			{Name: "bank", Role: api.RoleIntermediary, Intermediary: bank, TokenSHA256: api.HashToken("bank")},
		}})
	d := newDescription(t, server)
	h.Config.Handler = d.around(t, server.Handler())
	h.Start()
	t.Cleanup(h.Close)
	w := &town{world: chain.World, node: n, server: server, http: h}
	holder := w.anyHolder(t, model)
	asked := bank
	for id, b := range model.Intermediaries { // any that opens wallets
		if !b.Suspended {
			asked = id
		}
	}
	paths := append(w.storyPaths(model), "/v1/applications/"+w.apply(t, asked, "applicant").ID)
	for _, access := range []string{"", "bank", holder, "auditor"} {
		for _, path := range paths {
			if status, _, body := w.get(t, path, access); access == "auditor" && status >= 400 &&
				!strings.Contains(path, "absent") {
				t.Errorf("GET %s: %d %.200s", path, status, body)
			}
		}
	}
	// Nothing that reads was left out.
	for _, p := range d.paths {
		for method, op := range p.ops {
			id := op.(map[string]any)["operationId"].(string)
			if slices.Contains([]string{"get-contract", "next-steps", "check-purpose", "get-draft", "get-staff-session",
				"list-staff", "get-backup"}, id) {
				// staff_test.go asks for the staff's; all of the story's have ended: TestContractsAreAnswered,
				// next_test.go and drafts_test.go ask for some; wallet_backups_test.go for a backup
				continue
			}
			if method == "get" && !d.seen[id+" 200"] && !d.seen[id+" 204"] {
				t.Errorf("%s %s (%s) was never answered", method, p.path, id)
			}
		}
	}
}

// anyHolder opens a session of a wallet whose key is known.
func (w *town) anyHolder(t *testing.T, model *ledger.Model) string {
	t.Helper()
	for id, wallet := range model.Wallets { // any that it opens
		key, ok := w.world.Private(wallet.Key)
		if !ok {
			continue
		}
		c := w.challenge(t, id)
		in := w.answerTo(t, c, id, "alice", w.http.URL)
		in.Signature = signedBy(t, key, w.node.Network(), id, w.http.URL, c)
		s, status, body := w.signIn(t, in)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return s.Token
	}
	t.Fatal("no wallet's key is known")
	return ""
}

// get asks for a path; of a stream the beginning is enough.
func (w *town) get(t *testing.T, path, access string) (int, string, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	r.Header.Set("Last-Event-ID", "0")
	if strings.HasPrefix(path, "/v1/events") {
		r.Header.Set("Last-Event-ID", "0.0.0")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := make([]byte, 0, 1<<20)
	for len(body) < cap(body) {
		got, err := response.Body.Read(body[len(body):cap(body)])
		if body = body[:len(body)+got]; err != nil ||
			(strings.Contains(path, "stream") || strings.HasPrefix(path, "/v1/events")) && got > 0 ||
			strings.HasPrefix(path, "/v1/feed") {
			break
		}
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body
}

// storyPaths are requests for everything that the story has.
func (w *town) storyPaths(model *ledger.Model) (paths []string) {
	add := func(form string, args ...any) { paths = append(paths, fmt.Sprintf(form, args...)) }
	for _, path := range []string{"/v1/network", "/v1/genesis", "/v1/supply", "/v1/authority", "/v1/intermediaries",
		"/v1/pages", "/health", "/livez", "/readyz", "/metrics", "/checkpoint",
		"/v1/agencies", "/v1/purses", "/v1/purses/revocations?filter=true", "/v1/purposes",
		"/v1/definitions", "/v1/contracts", "/v1/followers",
		"/v1/cluster", "/v1/fence", "/v1/signers", "/v1/promises", "/v1/story", "/v1/demo", "/v1/banknotes", "/v1/drafts",
		"/v1/series/value?from=2025-01-01&to=2027-01-01&by=bank", "/v1/series/velocity", "/v1/market", "/v1/errors",
		"/v1/errors?lang=kk", "/v1/blocks?limit=500",
		"/v1/blocks/stream", "/v1/events?topics=blocks", "/v1/applications", "/v1/audit", "/v1/feed?from=0&frames=2",
		"/tile/0/000.p/3", "/tile/entries/000.p/3"} {
		add("%s", path)
	}
	if w.node.Head().Size >= 256 {
		add("/tile/0/000")
		add("/tile/entries/000")
	}
	for height := range w.node.Head().Height + 1 {
		add("/v1/blocks/%d", height)
	}
	for _, id := range slices.SortedFunc(maps.Keys(model.Wallets), func(a, b token.WalletID) int {
		return strings.Compare(a.String(), b.String())
	}) {
		for _, part := range []string{"", "/tokens", "/history", "/held", "/contracts", "/delegations"} {
			add("/v1/wallets/%s%s", id, part)
		}
	}
	for id := range model.Wallets { // any
		add("/v1/wallets/%s/stream", id)
		break
	}
	for id := range model.Tokens {
		add("/v1/tokens/%s", id)
		add("/v1/tokens/%s/proof", id)
	}
	for _, id := range model.Programs.Contracts() {
		add("/v1/contracts/%s", id)
	}
	for _, id := range model.Purses() {
		add("/v1/purses/%s", id)
		add("/v1/wallets/%s/purses/%s", model.Purse(id).Owner, id)
	}
	for height := range w.node.Head().Height + 1 {
		entries, err := w.entries(height)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.Transaction != nil {
				add("/v1/transactions/%s", e.Transaction.ID())
				add("/v1/transactions/%s/proof", e.Transaction.ID())
			}
		}
	}
	for question, query := range map[string]string{
		"files": "", "summary": "file=cm_btc_daily.csv",
		"volatility": "file=bitstamp_btcusd_d.csv&from=2021-01-01&to=2021-03-31",
		"garch":      "file=cm_btc_daily.csv&from=2024-06-01&forecast=3",
		"risk":       "file=cm_btc_daily.csv&from=2024-06-01",
		"report":     "file=cm_btc_daily.csv&asset=BTC&from=2025-06-01&benchmark=sp500_close.csv", "paper": "",
		"architecture":  "",
		"concentration": "file=pools_monthly.csv", "use": "from=2018-01-01&to=2018-03-31",
		"functions": "from=2017-01-01&to=2017-12-31", "risks": "from=2017-01-01&to=2018-12-31",
		"breaks":    "file=cm_btc_daily.csv&from=2024-06-01&regimes=2",
		"liquidity": "file=bitstamp_btcusd_d.csv&from=2021-01-01",
		"intraday":  "file=bitstamp_btcusd_1h.csv&from=2021-06-01",
		"spillover": "files=cm_btc_daily.csv,gold_close.csv&from=2021-01-01",
	} {
		add("/v1/market/%s?%s", question, query)
	}
	return paths
}

func (w *town) entries(height uint64) (entries []ledger.Entry, err error) {
	batch, err := w.node.Log().Batch(height)
	if err != nil {
		return nil, err
	}
	for data, err := range w.node.Log().Entries(batch.FirstIndex, batch.Size()) {
		if err != nil {
			return nil, err
		}
		e, err := ledger.DecodeEntry(append([]byte(nil), data...))
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// What is served is described, and says who is answered and how he shows it.
func TestEveryRouteIsDescribed(t *testing.T) {
	w := newTown(t, api.Options{})
	d := newDescription(t, w.server)
	for _, pattern := range w.server.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.TrimSuffix(path, "{$}")
		if slices.Contains(undescribed, path) || path == "/tile/" || path == "/tile/entries/" {
			continue
		}
		if _, op := d.operation(method, strings.NewReplacer("{", "", "}", "").Replace(path)); op == nil {
			t.Errorf("%s is served and not described", pattern)
		}
	}
	for _, p := range d.paths {
		for method, op := range p.ops {
			o := op.(map[string]any)
			if o["security"] == nil || o["x-readers"] == nil || o["summary"] == nil || len(o["tags"].([]any)) != 1 {
				t.Errorf("%s %s: %v", method, p.path, o)
			}
		}
	}
	var nulls func(where string, v any)
	nulls = func(where string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if list, ok := v["type"].([]any); ok && slices.Contains(list, any("null")) &&
				slices.Contains(list, any("array")) {
				t.Errorf("%s may be null", where)
			}
			for name, part := range v {
				nulls(where+"/"+name, part)
			}
		case []any:
			for i, part := range v {
				nulls(fmt.Sprint(where, "/", i), part)
			}
		}
	}
	nulls("#", d.doc)
}

// Amounts of 63 bits come through every form that carries money, to the last tiyn.
func TestNoAmountLosesADigit(t *testing.T) {
	const most = "9223372036854775807"
	// Answers: each field of the type, wherever it stands.
	for _, value := range []any{&api.Supply{}, &api.Banknotes{}, &api.WalletView{}, &api.WalletTokens{}, &api.History{},
		&api.HeldView{}, &api.TokenView{}, &api.IntermediaryView{}, &api.AuthorityView{},
		&api.PurposeView{}, &api.ContractView{}, &api.BlockView{}, &api.BlockEntries{}, &api.TransactionView{},
		&node.Selection{}, &ledger.Genesis{}} {
		v := reflect.ValueOf(value)
		want := setAmounts(v.Elem(), 0)
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("%T: %v", value, err)
		}
		if got := strings.Count(string(text), most); want == 0 &&
			!strings.Contains(fmt.Sprintf("%T", value), "Transaction") || got < want {
			t.Errorf("%T: %d of %d amounts in %s", value, got, want, text)
		}
		again := reflect.New(v.Elem().Type())
		if err := json.Unmarshal(text, again.Interface()); err != nil {
			t.Errorf("%T: %v", value, err)
		} else if second, _ := json.Marshal(again.Interface()); string(second) != string(text) {
			t.Errorf("%T came back as %s, sent %s", value, second, text)
		}
	}
	// Requests: a transaction of each kind that carries money.
	for k := token.KindTransfer; k <= token.LastKind; k++ {
		body := token.NewBody(k)
		want := setAmounts(reflect.ValueOf(body).Elem(), 0)
		if want == 0 {
			continue
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		again := token.NewBody(k)
		if err := json.Unmarshal(text, again); err != nil || !reflect.DeepEqual(body, again) ||
			strings.Count(string(text), most) != want {
			t.Errorf("%s: %s, %v", k, text, err)
		}
	}
	w := newTownOf(t, api.Options{Open: true}, nil)
	for path, body := range map[string]string{
		"/v1/wallets/" + w.alice.String() + "/selections": `{"amount":` + most + `}`,
		"/v1/transactions": `{"kind":"issue","valid_until":` + fmt.Sprint(soon()) + `,"body":{"sequence":2,"to":"` +
			w.bank.String() + `","amounts":[` + most + `]},"witnesses":[]}`,
	} {
		if status, _, answer := w.call(t, "POST", path, "application/json", "",
			[]byte(body)); status == http.StatusBadRequest || strings.Contains(string(answer), "invalid-request") {
			t.Errorf("POST %s: %d %s", path, status, answer)
		}
	}
}

// setAmounts puts the largest amount into every field of money, and one element into every list; it returns how many it
// set.
func setAmounts(v reflect.Value, depth int) (set int) {
	if v.Type() == reflect.TypeFor[money.Tiyn]() {
		v.SetInt(1<<63 - 1)
		return 1
	}
	if depth > 8 || !v.CanSet() {
		return 0
	}
	if role, ok := v.Addr().Interface().(*token.Role); ok {
		*role = token.RoleWallet
		return 0
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type().PkgPath() == "time" || v.Type() == reflect.TypeFor[token.Transaction]() {
			return 0
		}
		for i := range v.NumField() {
			set += setAmounts(v.Field(i), depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return 0
		}
		list := reflect.MakeSlice(v.Type(), 1, 1)
		if set = setAmounts(list.Index(0), depth+1); set > 0 {
			v.Set(list)
		}
	case reflect.Array:
		for i := range v.Len() {
			set += setAmounts(v.Index(i), depth+1)
		}
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if set = setAmounts(p.Elem(), depth+1); set > 0 {
			v.Set(p)
		}
	}
	return set
}

func signedBy(t *testing.T, key token.PrivateKey, network token.NetworkID, wallet token.WalletID, origin string,
	c api.Challenge) token.Signature {
	t.Helper()
	signature, err := key.Sign(token.SessionDigest(network, wallet, origin, challengeBytes(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}
