package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/wallet"
)

// losesAnswers stands before a node and loses the answers to transactions, as a line that breaks does.
func losesAnswers(t *testing.T, nodeURL string) (remote *api.Client, lost *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(nodeURL)
	if err != nil {
		t.Fatal(err)
	}
	lost = &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Path != "/v1/transactions" {
			return nil
		}
		_, _ = io.Copy(io.Discard, r.Body)
		lost.Add(1)
		return errors.New("the line broke")
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return api.NewClient(server.URL, ""), lost
}

// A payment whose answer was lost is looked up when it is sent again. When the index is damaged, nobody can say whether
// it was made: it must not be taken for dead and made a second time.
func TestAPaymentIsNotMadeTwiceWhenItCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	client, ctx := c.client(t, p), context.Background()
	batch := wallet.Batch{From: c.ids[0], Rows: []wallet.Row{{Line: 2, To: "c1", Amount: 7 * money.Tenge}}, Journal: filepath.Join(t.TempDir(), "journal")}
	ignore := func(wallet.Outcome) error { return nil }

	straight := client.API
	var lost *atomic.Int64
	client.API, lost = losesAnswers(t, p.url)
	if err := client.PayBatch(ctx, batch, ignore); err == nil || lost.Load() == 0 {
		t.Fatalf("the answer came through: %v", err)
	}
	client.API = straight
	p.stop(t)

	damageIndex(t, c.dir)
	p = up(t, c.dir)
	client = c.client(t, p)
	err := client.PayBatch(ctx, batch, ignore)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != string(node.LookupFailed) {
		t.Errorf("with a damaged index: %v, want %s", err, node.LookupFailed)
	}
	if got := balanceOf(t, client.API, c, 1); got != startMoney+7*money.Tenge {
		t.Fatalf("c1 has %s", got)
	}
	p.stop(t)

	if err := os.RemoveAll(filepath.Join(c.dir, "index")); err != nil { // as the message of a damaged index says
		t.Fatal(err)
	}
	p = up(t, c.dir)
	defer p.stop(t)
	client = c.client(t, p)
	var again *node.Receipt
	if err := client.PayBatch(ctx, batch, func(o wallet.Outcome) error { again = o.Receipt; return nil }); err != nil || again == nil {
		t.Errorf("with a sound index: %v, %v", err, again)
	}
	if got := balanceOf(t, client.API, c, 1); got != startMoney+7*money.Tenge {
		t.Errorf("c1 has %s", got)
	}
}

func balanceOf(t *testing.T, remote *api.Client, c *customers, i int) money.Tiyn {
	t.Helper()
	view, err := remote.Wallet(context.Background(), c.ids[i])
	if err != nil {
		t.Fatal(err)
	}
	return view.Balance
}

// damageIndex changes a byte in each run of the index, in the first page of its ids: opening reads none of those.
func damageIndex(t *testing.T, dir string) {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(dir, "index", "*.run"))
	if err != nil || len(runs) == 0 {
		t.Fatalf("no index: %v", err)
	}
	for _, run := range runs {
		content, err := os.ReadFile(run)
		if err != nil {
			t.Fatal(err)
		}
		content[4096+100] ^= 0x55
		if err := os.WriteFile(run, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// refusesTransactions stands before a node, refuses the first n transactions, and counts how often tokens are freed.
func refusesTransactions(t *testing.T, nodeURL string, n int) (remote *api.Client, freed *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(nodeURL)
	if err != nil {
		t.Fatal(err)
	}
	freed = &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/transactions" && n > 0:
			n--
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"code":"limit-payments-a-day","detail":"three of none"}`)
			return
		case strings.HasSuffix(r.URL.Path, "/releases"):
			freed.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return api.NewClient(server.URL, ""), freed
}

// A payment that was refused frees its tokens: the next row of a payer with one token does not wait until they come
// free by themselves.
func TestRefusedRowsFreeTheirTokens(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	defer p.stop(t)
	client := c.client(t, p)
	var freed *atomic.Int64
	client.API, freed = refusesTransactions(t, p.url, 3)
	var rows []wallet.Row
	for i := range 4 {
		rows = append(rows, wallet.Row{Line: i + 2, To: "c1", Amount: money.Tiyn(i+1) * money.Tenge})
	}
	refused := 0
	err := client.PayBatch(context.Background(), wallet.Batch{From: c.ids[0], Rows: rows, Journal: filepath.Join(t.TempDir(), "journal")}, func(o wallet.Outcome) error {
		if o.Problem != nil {
			refused++
		}
		return nil
	})
	if err != nil || refused != 3 || freed.Load() != 3 {
		t.Errorf("%d refused, %d times tokens were freed: %v", refused, freed.Load(), err)
	}
}
