package scenario

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/notes"
)

// secondKeyset is an office that has one keyset more, with the receipt of its announcement.
type secondKeyset struct {
	*apicash.Client
	set   cash.Keyset
	shown []byte
}

func (m *secondKeyset) Keysets(ctx context.Context) ([]cash.Keyset, []apicash.KeysetView, error) {
	sets, views, err := m.Client.Keysets(ctx)
	return append(sets, m.set), append(views, apicash.KeysetView{ID: m.set.ID.String(), Unit: cash.Unit,
		Active: true}), err
}

func (m *secondKeyset) Announcement(ctx context.Context, id string) ([]byte, error) {
	if id == m.set.ID.String() {
		return m.shown, nil
	}
	return m.Client.Announcement(ctx, id)
}

// A wallet takes another keyset of its office only if the ledger announces it for the reserve that backs its other notes: what a
// second reserve backs, with little in it, is other money.
func TestAWalletHoldsToItsReserve(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, _, _ := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Play(ctx, w, slices.Concat(ledgerSteps()[:1], cashSteps()[:1]), record); err != nil {
		t.Fatal(err)
	}
	// announced makes a keyset that the ledger announces for a reserve, opened where it has no id.
	announced := func(reserve token.WalletID) *secondKeyset {
		key, err := w.newKeyset()
		if err != nil {
			t.Fatal(err)
		}
		signing, err := key.Signing()
		if err != nil {
			t.Fatal(err)
		}
		body := token.AnnounceKeyset{Keyset: token.KeysetID(key.ID), Unit: cash.Unit, Denominations: key.Amounts,
			From: key.From, Until: key.Until,
			Expiry: key.Expiry, Reserve: reserve, Origin: "cash.tenge.localhost/log",
			LogKey: "cash.tenge.localhost/log+00000000+none"}
		announce := func() (id token.TransactionID, err error) {
			if reserve == (token.WalletID{}) {
				receipt, err := w.Client.OpenReserve(ctx, "another-reserve", body)
				return receipt.ID, err
			}
			authority, err := w.Client.API.Authority(ctx)
			if err != nil {
				return id, err
			}
			body.Origin, body.LogKey = authority.Reserve(reserve).Origin, authority.Reserve(reserve).LogKey
			receipt, err := w.Client.Announce(ctx, body)
			return receipt.ID, err
		}
		id, err := announce()
		if err != nil {
			t.Fatal(err)
		}
		shown, err := w.Client.API.Receipt(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return &secondKeyset{set: signing.Keyset, shown: shown}
	}
	refresh := func(c *cashier, name string, more *secondKeyset) error {
		more.Client = c.client
		err := c.with(ctx, name, func(purse *notes.Wallet) error {
			return purse.Refresh(ctx) // it has the first keyset
		})
		if err != nil {
			return err
		}
		again, err := c.purseAt(name, more)
		if err != nil {
			return err
		}
		return errors.Join(again.Refresh(ctx), again.Close())
	}
	err = w.atOffice(ctx, func(c *cashier) error {
		if err := refresh(c, "holder", announced(w.id(cashReserve))); err != nil {
			t.Errorf("another keyset of the same reserve: %v", err)
		}
		var refused *notes.AnnouncementError
		if err := refresh(c, "other", announced(token.WalletID{})); !errors.As(err, &refused) ||
			!strings.HasPrefix(refused.Rule, "it is backed by wallet") {
			t.Errorf("a keyset that another reserve backs: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A telling that is broken off between the announcement and the keys' file is told again: the keyset is the same, its
// announcement is not sent twice, and the reserve has its name.
func TestAnOfficeWhoseAnnouncementWasNotAnswered(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, _, n := newStage(t)
	record, err := OpenRecord(w.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Play(ctx, w, ledgerSteps()[:1], record); err != nil {
		t.Fatal(err)
	}
	handler := api.New(n, api.Options{Open: true, CashLogs: CashLogs(w.DataDir)}).Handler()
	var answered atomic.Bool
	lossy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			handler.ServeHTTP(rw, r)
			return
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		answered.Store(answer.Code == http.StatusOK)
		panic(http.ErrAbortHandler)
	}))
	defer lossy.Close()
	direct := w.Client.API
	w.Client.API = api.NewClient(lossy.URL, "")
	var unanswered *api.UnansweredError
	if _, err := Play(ctx, w, cashSteps()[:1], record); !errors.As(err, &unanswered) || !answered.Load() {
		t.Fatalf("%v, answered %v", err, answered.Load())
	}
	before, err := office.ReadKeys(vfs.OS, w.officeDir())
	if err != nil || len(before) != 1 || before[0].Announcement != "" {
		t.Fatalf("%v, %v", before, err)
	}
	w.Client.API = direct
	if _, err := Play(ctx, w, cashSteps()[:1], record); err != nil {
		t.Fatal(err)
	}
	after, err := office.ReadKeys(vfs.OS, w.officeDir())
	if err != nil || len(after) != 1 || after[0].ID != before[0].ID || after[0].Secret != before[0].Secret {
		t.Fatalf("%v, %v", after, err)
	}
	authority, err := direct.Authority(ctx)
	if err != nil || len(authority.Reserves) != 1 || len(authority.Reserves[0].Keysets) != 1 ||
		authority.Reserves[0].Keysets[0].Transaction.String() != after[0].Announcement ||
		authority.Reserves[0].Wallet != w.id(cashReserve) {
		t.Errorf("%+v, %v", authority.Reserves, err)
	}
}
