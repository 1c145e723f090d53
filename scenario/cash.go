package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/notes"
)

// cashSteps are the digital tenge as cash.
func cashSteps() []Step {
	return []Step{
		{"cash-office", "The central bank announces a keyset, and a cash office sells banknotes", openOffice},
		{"cash-withdraw", "A worker takes part of her pay as banknotes", withdrawCash},
		{"cash-canteen", "She pays the school canteen: the payer unknown, the payee on record", payCanteen},
		{"cash-paper", "A printed banknote pays, once, for somebody who has no wallet", payWithPaper},
		{"cash-recount", "Anybody recounts the cash", recountCash},
	}
}

// Who takes part in the story's cash.
const (
	cashReserve = "cash-reserve" // the wallet that backs the notes
	worker      = "aigerim"
	// mintURL is where an office serves by default: the story's wallets know it by this URL, also where this telling's
	// office listens elsewhere, so that "aqsha cash up" serves them afterwards.
	mintURL = "http://127.0.0.1:8430" + apicash.Prefix
)

func (w *Stage) officeDir() string { return filepath.Join(w.DataDir, "office") }

// CashLogs are the folders of a story's cash offices.
func CashLogs(dir string) []string { return []string{filepath.Join(dir, "office")} }

// cashLimit is the most of one operation with the office: what the law allows of unidentified electronic money.
func (w *Stage) cashLimit() (money.Tiyn, error) {
	day := params.DateOf(time.UnixMilli(int64(w.Client.Now())))
	policy, err := wallet.DefaultPolicy(day, 0)
	if err != nil {
		return 0, err
	}
	return policy.Tiers[wallet.TierUnidentified].MaxPayment, nil
}

// openOffice makes a keyset and announces it. The keys' file is written once both are done.
func openOffice(ctx context.Context, w *Stage) error {
	dir := w.officeDir()
	if err := durable.Folder(vfs.OS, dir); err != nil {
		return err
	}
	_, public, err := office.LogSigner(vfs.OS, dir, "cash.tenge.localhost/log")
	if err != nil {
		return err
	}
	var announced office.KeyFile
	err = office.UpdateKeys(vfs.OS, dir, func(list []office.KeyFile) ([]office.KeyFile, error) {
		// Each step is taken only where its result is not there yet: the story may be broken off anywhere and told
		// again.
		if len(list) == 0 {
			key, err := w.newKeyset()
			if err != nil {
				return nil, err
			}
			list = append(list, key)
		}
		k := &list[0]
		if k.Announcement == "" {
			body := token.AnnounceKeyset{Keyset: token.KeysetID(k.ID), Unit: cash.Unit, Denominations: k.Amounts,
				From:  k.From,
				Until: k.Until, Expiry: k.Expiry, Origin: "cash.tenge.localhost/log", LogKey: public}
			receipt, err := w.Client.OpenReserve(ctx, cashReserve, body)
			if err != nil {
				return nil, err
			}
			k.Announcement = receipt.ID.String()
		}
		announced = *k
		return list, nil
	})
	if err != nil {
		return err
	}
	if err := w.link("notes", "", "/explorer#cash"); err != nil {
		return err
	}
	w.Say("cash-keys-say", "id", fmt.Sprintf("%.16s", announced.ID), "count", len(announced.Amounts), "least",
		announced.Amounts[0].Format(), "most", announced.Amounts[len(announced.Amounts)-1].Format(), "until",
		dayOf(announced.Until), "expiry", dayOf(announced.Expiry))
	w.Proves("cash-keys-proves")
	return nil
}

func dayOf(seconds uint64) string { return time.Unix(int64(seconds), 0).UTC().Format(time.DateOnly) }

// newKeyset makes the office's keys: six months to sign, 24 more to redeem.
func (w *Stage) newKeyset() (k office.KeyFile, err error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return k, err
	}
	from := time.UnixMilli(int64(w.Client.Now())).UTC()
	until := from.AddDate(0, 6, 0)
	return office.NewKey(secret, cash.OneTwoFive(), uint64(from.Unix()), uint64(until.Unix()),
		uint64(until.AddDate(0, 24, 0).Unix()))
}

// cashier is an office that runs for the time of a step.
type cashier struct {
	*office.Office
	stage  *Stage
	client *apicash.Client
}

// atOffice runs the story's cash office while something is done. Then it closes a block of its public log and enters
// the log's state on the ledger, as an office does by the clock. The order of the end matters: the office's loop
// first, then the requests that are under way, then the office.
func (w *Stage) atOffice(ctx context.Context, act func(c *cashier) error) (err error) {
	most, err := w.cashLimit()
	if err != nil {
		return err
	}
	signer, public, err := office.LogSigner(vfs.OS, w.officeDir(), "")
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	o, err := office.Open(ctx, office.Config{Dir: w.officeDir(), Ledger: notes.NewReserve(w.Client,
		w.id(cashReserve)), Origin: signer.Name(),
		Signer: signer, Max: most, Logger: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	about := apicash.About{Name: "the story's cash office", Version: "story", Max: most, LogKey: public}
	server := apicash.NewServer(o, about, quiet).Bounded(httplimit.Files())
	client, err := apicash.NewClient("http://" + listener.Addr().String() + apicash.Prefix)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	running, end := context.WithCancel(ctx)
	served, ran := make(chan struct{}), make(chan error, 1)
	go func() { defer close(served); _ = server.Serve(listener) }() // ends with Shutdown
	go func() { ran <- o.Run(running) }()
	err = act(&cashier{o, w, client})
	if err == nil {
		err = o.CloseBlock(ctx)
	}
	if err == nil {
		err = o.Stamp(ctx)
	}
	end()
	stopping, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	err = errors.Join(err, server.Shutdown(stopping), <-ran)
	<-served
	return err
}

// purse opens the cash wallet of somebody, made the first time. What a broken run began in it is ended first: notes
// that are on their way are neither spent again nor missed.
func (c *cashier) purse(ctx context.Context, name string) (*notes.Wallet, error) {
	dir := filepath.Join(c.stage.DataDir, "cash", name)
	if !notes.Exists(vfs.OS, dir) {
		var entropy [16]byte
		if _, err := rand.Read(entropy[:]); err != nil {
			return nil, err
		}
		words, err := coin.Words(entropy)
		if err != nil {
			return nil, err
		}
		place := notes.Place{Mint: mintURL, Network: c.stage.Client.Network.String()}
		if err := notes.Create(vfs.OS, dir, words, place); err != nil {
			return nil, err
		}
	}
	purse, err := c.purseAt(name, c.client)
	if err != nil {
		return nil, err
	}
	if _, err := purse.Recover(ctx); err != nil {
		return nil, errors.Join(err, purse.Close())
	}
	return purse, nil
}

// purseAt opens somebody's cash wallet at a mint.
func (c *cashier) purseAt(name string, mint notes.Mint) (*notes.Wallet, error) {
	return notes.Open(vfs.OS, filepath.Join(c.stage.DataDir, "cash", name), func(string) (notes.Mint,
		error) {
		return mint, nil
	},
		func() uint64 { return uint64(time.Now().Unix()) })
}

// with does something with somebody's cash wallet.
func (c *cashier) with(ctx context.Context, name string, act func(purse *notes.Wallet) error) error {
	purse, err := c.purse(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(act(purse), purse.Close())
}

// withdraw pays for notes from a ledger wallet, and takes them.
func (c *cashier) withdraw(ctx context.Context, purse *notes.Wallet, from string, amount money.Tiyn) error {
	op, err := purse.Request(ctx, amount)
	if err != nil {
		return err
	}
	p, err := cash.ParsePayRequest(op.Request)
	if err != nil {
		return err
	}
	if err := purse.Paid(op); err != nil {
		return err
	}
	receipt, err := c.stage.Client.Pay(ctx, c.stage.id(from), p.Wallet, amount, token.Plain(p.Memo))
	if err != nil {
		return err
	}
	if err := c.stage.linkReceipt(from, receipt.ID); err != nil {
		return err
	}
	if err := c.Settle(ctx); err != nil { // the office sees the payment
		return err
	}
	return purse.Take(ctx, op)
}

// withdrawCash has the worker buy notes twice, each below what may be withdrawn without being identified.
func withdrawCash(ctx context.Context, w *Stage) error {
	most, err := w.cashLimit()
	if err != nil {
		return err
	}
	return w.atOffice(ctx, func(c *cashier) error {
		return c.with(ctx, worker, func(purse *notes.Wallet) error {
			for i, amount := range []money.Tiyn{12_500 * money.Tenge, 7_500 * money.Tenge} {
				if err := w.Once(fmt.Sprint("withdraw-", i), func() error {
					return c.withdraw(ctx, purse, worker,
						amount)
				}); err != nil {
					return err
				}
			}
			b := purse.Balance()
			w.Say("cash-out-say-1", "worker", worker, "most", most.Format())
			w.Say("cash-out-say-2", "settled", b.Settled.Format(), "count", notesIn(&b))
			w.Proves("cash-out-proves")
			return nil
		})
	})
}

func notesIn(b *notes.Balance) (n int) {
	for _, count := range b.Notes {
		n += count
	}
	return n
}

// payCanteen has notes pay a ledger wallet: the canteen's history shows who was paid, and by no line by whom.
func payCanteen(ctx context.Context, w *Stage) error {
	const lunch = 1_250 * money.Tenge
	return w.atOffice(ctx, func(c *cashier) error {
		return c.with(ctx, worker, func(purse *notes.Wallet) error {
			err := w.Once("pay", func() error {
				request := cash.PayRequest{Wallet: w.id(canteen), Amount: lunch, Memo: "school lunches"}
				_, err := purse.Pay(ctx, request.String())
				return err
			})
			if err != nil {
				return err
			}
			history, err := w.Client.API.History(ctx, w.id(canteen), 0, 1, 0)
			if err != nil || len(history.Lines) != 1 {
				return errors.Join(err, errors.New("the canteen has no history"))
			}
			if err := w.linkReceipt(canteen, history.Lines[0].ID); err != nil {
				return err
			}
			w.Say("cash-lunch-say", "canteen", canteen, "net", history.Lines[0].Net.Format())
			w.Proves("cash-lunch-proves")
			return nil
		})
	})
}

// payWithPaper prints a note for a relative, who has no wallet; the shop scans what is inside, and is paid on the
// ledger.
func payWithPaper(ctx context.Context, w *Stage) error {
	const gift = 5_000 * money.Tenge
	sheet := filepath.Join(w.DataDir, "cash", "sheet.svg")
	err := w.atOffice(ctx, func(c *cashier) error {
		// One part: whoever breaks it off has a paper that still is the money, and a telling that prints another.
		return w.Once("paper", func() error {
			paper, err := c.print(ctx, sheet, gift)
			if err != nil {
				return err
			}
			if err := c.with(ctx, shop, func(till *notes.Wallet) error {
				return c.scan(ctx, till, paper,
					gift)
			}); err != nil {
				return err
			}
			return c.with(ctx, "marat", func(other *notes.Wallet) error { return scanAgain(ctx, other, paper) })
		})
	})
	if err != nil {
		return err
	}
	if err := w.link("history", shop, "/wallet/history"); err != nil {
		return err
	}
	w.Say("cash-paper-say-1", "worker", worker, "amount", gift.Format())
	w.Say("cash-paper-say-2", "amount", gift.Format())
	w.Say("cash-paper-say-3", "code", int(cash.Spent))
	w.Proves("cash-paper-proves")
	return nil
}

// print draws a sheet of a worker's notes, and checks the outside as whoever scans it: that the office calls them
// unspent, without anybody seeing what is inside. It returns the inner codes, which are the money.
func (c *cashier) print(ctx context.Context, sheet string, amount money.Tiyn) (inner []string, err error) {
	err = c.with(ctx, worker, func(purse *notes.Wallet) error {
		t, err := purse.Send(ctx, amount, "", false, nil)
		if err != nil {
			return err
		}
		sets, err := purse.Keysets()
		if err != nil {
			return err
		}
		list, drawing, err := coin.Sheet(sets, t)
		if err != nil {
			return err
		}
		for _, p := range list {
			outer, err := coin.DecodeOuter(p.Outer)
			if err != nil {
				return err
			}
			if state, err := purse.CheckOuter(ctx, &outer); err != nil || state != string(cash.StateUnspent) {
				return errors.Join(err, fmt.Errorf("a fresh note's outside says %s", state))
			}
			inner = append(inner, p.Inner)
		}
		return durable.Replace(vfs.OS, sheet, drawing)
	})
	return inner, err
}

// scan takes what a paper's inner codes hold, and pays it into the shop's ledger wallet. Each token is changed at the
// office before the next is read: a note that somebody has spent meanwhile is found out here.
func (c *cashier) scan(ctx context.Context, till *notes.Wallet, paper []string, amount money.Tiyn) error {
	for _, code := range paper {
		t, err := coin.DecodeToken(code)
		if err != nil {
			return err
		}
		if _, err := till.Receive(ctx, t, nil); err != nil {
			return err
		}
	}
	request := cash.PayRequest{Wallet: c.stage.id(shop), Amount: amount, Memo: "groceries, in cash"}
	_, err := till.Pay(ctx, request.String())
	return err
}

// scanAgain tries a paper that was spent: it is refused, or the story ends here.
func scanAgain(ctx context.Context, other *notes.Wallet, paper []string) error {
	t, err := coin.DecodeToken(paper[0])
	if err != nil {
		return err
	}
	_, err = other.Receive(ctx, t, nil)
	var refused *cash.Refusal
	if !errors.As(err, &refused) || refused.Code != cash.Spent || other.Balance().Settled != 0 {
		return fmt.Errorf("the same paper a second time: want the refusal %d, got %v", cash.Spent, err)
	}
	return nil
}

// recountCash reads the public log as a stranger does, and holds it against the ledger. It fails the story when the
// reserve is not what circulates, or when a block's reserve could not be compared: the step says that they are equal.
func recountCash(ctx context.Context, w *Stage) error {
	// the last block: nothing is on its way
	if err := w.atOffice(ctx, func(*cashier) error { return nil }); err != nil {
		return err
	}
	source, err := recount.Folder(vfs.OS, w.officeDir(), "")
	if err != nil {
		return err
	}
	against, err := notes.LedgerOf(ctx, w.Client.API)
	if err != nil {
		return err
	}
	report, err := recount.Log(ctx, source, against, nil)
	if err != nil {
		return err
	}
	for _, shelf := range report.Keysets {
		for _, n := range shelf.Counts {
			if n.Outstanding() > 0 {
				w.Say("cash-count-say-1", "amount", n.Amount.Format(), "issued", n.Issued, "redeemed", n.Redeemed,
					"live", n.Issued-n.Redeemed)
			}
		}
	}
	reserve, err := w.Client.API.Wallet(ctx, w.id(cashReserve))
	if err != nil {
		return err
	}
	if reserve.Balance != report.Circulating || report.Ledger == nil || report.Ledger.NotCompared > 0 {
		return &record.CheckError{Block: report.Blocks,
			Rule: fmt.Sprintf("notes for %s circulate, the reserve holds %s",
				report.Circulating.Format(), reserve.Balance.Format())}
	}
	w.Say("cash-count-say-2", "notes", report.Notes, "blocks", report.Blocks, "entries", report.Ledger.StampedSize)
	if err := w.link("notes", "", "/explorer#cash"); err != nil {
		return err
	}
	w.Proves("cash-count-proves", "circulating", report.Circulating.Format(), "reserve", reserve.Balance.Format(),
		"office", w.officeDir(), "dir", w.DataDir)
	return nil
}
