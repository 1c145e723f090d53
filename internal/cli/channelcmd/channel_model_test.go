package channelcmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

// The two sides of "channel pay" and "channel accept", and the watchtower, against another side that cuts, replays, lies, stands
// still, leaves silently, or is there when the honest side's process dies: its files are then as they were before or after
// the write. The ledger is the channel's contract alone, in a bubble of time.

// Call brings an action, as a client does: who calls is one of the parties, or a stranger.
func (l *pipeLedger) Call(_ context.Context, c wallet.Call) (node.Receipt, error) {
	party := 1
	if c.By == pipeParties[0] {
		party = 0
	}
	return node.Receipt{}, l.act(party, c.Action, c.Args...)
}

// towered is a ledger that may be out of reach, and says of a channel that has ended what a node says.
type towered struct {
	*pipeLedger
	away bool
}

func (l *towered) Channel(ctx context.Context, id token.WalletID) (wallet.Channel, error) {
	switch {
	case l.away:
		return wallet.Channel{}, errors.New("connection refused")
	case l.ended:
		return wallet.Channel{}, &api.Problem{Code: string(node.NotFound)}
	}
	return l.pipeLedger.Channel(ctx, id)
}

func (l *towered) Call(ctx context.Context, c wallet.Call) (node.Receipt, error) {
	if l.away {
		return node.Receipt{}, errors.New("connection refused")
	}
	return l.pipeLedger.Call(ctx, c)
}

// newTower is a watchtower that tells nobody.
func newTower(ledger channelSide) *tower {
	return &tower{ledger: ledger, by: token.WalletID{3}, said: map[string]string{}, known: map[string]money.Tiyn{}, notify: func(towerEvent) {}, trouble: func(string, error) {}}
}

// payingSide is an honest sender of vouchers with its file.
type payingSide struct {
	t    *rapid.T
	l    *pipeLedger
	dir  string
	path string
	out  money.Tiyn // of vouchers that left this side
	lost money.Tiyn // that a receiver said it had though it was never out
}

func (p *payingSide) pay(amount money.Tiyn, from *money.Tiyn) (channels.File, error) {
	return payOver(p.path, amount, from, pipeNow(), func(f *channels.File, before money.Tiyn) (*channel.Sender, error) {
		return channel.NewSender(p.l.terms, pipeSender, *f.Seed, rand.Reader, before, nil), nil
	})
}

// Whatever a receiver does, it can claim what the sender's vouchers that left it paid, each once; only where the sender's process
// died with a voucher in hand, and the receiver lies about having it, that one amount more.
func TestADishonestReceiverGainsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubbles(t, 1, func(t *rapid.T) {
		pipeFiles{}.restore(t, dir)
		p := &payingSide{t: t, l: newPipeLedger(t, time.Hour, 0), dir: dir, path: filepath.Join(dir, "stream.sender.json")}
		err := channels.Update(p.path, func(f *channels.File) error {
			*f = channels.File{Channel: p.l.terms.ID, Seed: &token.Hash{5}, Paid: new(money.Tiyn)}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var claims []channel.Claim // that the receiver has
		for range rapid.IntRange(1, 6).Draw(t, "payments") {
			amount := pipeTick * money.Tiyn(rapid.IntRange(1, 4).Draw(t, "amount"))
			before := readPipeFiles(t, dir)
			voucher, err := p.pay(amount, nil)
			if unclear := (*token.Error)(nil); errors.As(err, &unclear) && unclear.Code == channels.PaidUnclear {
				f, err := channels.Read(p.path)
				if err != nil {
					t.Fatal(err)
				}
				least, most := f.PaidBetween()
				said := rapid.SampledFrom([]money.Tiyn{least, most, least - 1, most + 1, 2 * pipeDeposit}).Draw(t, "said")
				if voucher, err = p.pay(amount, &said); err != nil {
					continue
				}
				if said > p.out+p.lost {
					p.lost += said - p.out - p.lost
				}
			} else if err != nil {
				continue // more than the deposit
			}
			switch rapid.SampledFrom([]string{"out", "out", "out", "dies before", "dies with it", "dies after"}).Draw(t, "fate") {
			case "dies before": // the write
				before.restore(t, dir)
				continue
			case "dies with it":
				continue
			case "dies after": // it was printed
			default:
				if err := paidOut(p.path, voucher.Total); err != nil {
					t.Fatal(err)
				}
			}
			p.out += amount
			claims = append(claims, *voucher.Claim)
		}
		var best *channel.Claim
		for i := range claims {
			if worth, _ := claims[i].Worth(pipeTick); best == nil || worth > best.Amount {
				best = &claims[i]
			}
		}
		if best == nil {
			return
		}
		if err := p.l.act(1, "close", best.Args()...); err != nil {
			t.Fatal(err)
		}
		if p.l.got > p.out+p.lost {
			t.Fatalf("%s of vouchers left the sender, and %s was lied about; the receiver got %s", p.out, p.lost, p.l.got)
		}
	})
}

// voucherOf is what a dishonest sender hands over next.
func voucherOf(t *rapid.T, l *pipeLedger, sender *channel.Sender, seen []channel.Voucher) channel.Voucher {
	switch kind := rapid.SampledFrom([]string{"more", "more", "more", "more", "old", "above", "forged", "other", "negative"}).Draw(t, "voucher"); {
	case kind == "old" && len(seen) > 0:
		return seen[rapid.IntRange(0, len(seen)-1).Draw(t, "old")]
	case kind == "above", kind == "forged", kind == "other", kind == "negative":
		id, key, amount := l.terms.ID, pipeSender, sender.Worth()+pipeTick
		switch kind {
		case "above":
			amount = 2 * pipeDeposit
		case "forged":
			key = pipeReceiver
		case "other":
			id.Contract = token.WalletID{77}
		default:
			amount = -pipeTick
		}
		v, err := channel.Sign(id, key, amount, channel.Word{3})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v, err := sender.Pay(pipeTick*money.Tiyn(rapid.IntRange(1, 6).Draw(t, "amount")), 0, pipeNow())
	if err != nil { // above a limit: signed anyhow, as a crook does
		if v, err = channel.Sign(l.terms.ID, pipeSender, sender.Worth()+3*pipeTick, channel.Word{4}); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// Whatever a sender does, a receiver has at the end every tenge for which it said "accepted", if it, or its watchtower with the
// last export, looks at the ledger once in a window: also where its process dies, where it accepts without a node, and where
// the sender has left long before and nobody told.
func TestADishonestSenderPaysWhatWasAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubbles(t, 40, func(t *rapid.T) {
		pipeFiles{}.restore(t, dir)
		const window = 12 * time.Hour
		l := newPipeLedger(t, window, rapid.SampledFrom([]money.Tiyn{0, 7 * pipeTick}).Draw(t, "day_most"))
		sender := channel.NewSender(l.terms, pipeSender, [32]byte{5}, rand.Reader, 0, nil)
		path, file := filepath.Join(dir, "book.json"), filepath.Join(dir, "voucher.json")
		tower := &towered{pipeLedger: l}
		watchtower := newTower(tower)
		var seen []channel.Voucher
		var accepted money.Tiyn
		looked := time.Now()
		watch := func() { // the tower has the newest export: the file itself
			f, err := channels.Read(path)
			if errors.Is(err, os.ErrNotExist) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			live, err := watchtower.watch(t.Context(), path, f)
			if !live && err != nil || !tower.away && err != nil && !l.ended {
				t.Fatalf("live %v, %v", live, err)
			}
		}
		kept := func() keptChannel { // asking a node once
			c, err := l.Channel(t.Context(), l.terms.Contract)
			if err != nil {
				t.Fatal(err)
			}
			return keptChannel{Channel: c, Asked: pipeNow()}
		}
		k := kept()
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			wait := time.Duration(rapid.SampledFrom([]int{0, 1, 60, 5 * 3600, 11 * 3600}).Draw(t, "wait")) * time.Second
			if time.Since(looked)+wait >= window/2-time.Minute { // the tower looks twice in a window
				tower.away = false
				watch()
				looked = time.Now()
			}
			time.Sleep(wait)
			if l.ended {
				break
			}
			switch rapid.SampledFrom([]string{"voucher", "voucher", "voucher", "offline", "offline", "keep", "leave", "finish", "watch", "away", "claim"}).Draw(t, "step") {
			case "voucher", "offline":
				v := voucherOf(t, l, sender, seen)
				seen = append(seen, v)
				content, err := json.Marshal(channels.File{Channel: l.terms.ID, Total: v.Amount, Claim: &channel.Claim{Voucher: v, Word: v.Root}})
				if err == nil {
					err = os.WriteFile(file, content, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				var ledger channels.Ledger = l
				asked := pipeNow()
				if rapid.Bool().Draw(t, "without") {
					if ledger, asked = (keptLedger{&k}), k.Asked; pipeNow() >= k.acceptsUntil() {
						continue // as the command refuses
					}
				}
				before := readPipeFiles(t, dir)
				r, _, err := acceptOver(t.Context(), ledger, path, l.terms.Contract, file, asked, pipeNow)
				if err != nil {
					continue
				}
				if rapid.IntRange(0, 5).Draw(t, "dies") == 0 { // before the write: it delivered nothing either
					before.restore(t, dir)
					continue
				}
				accepted = max(accepted, r.Worth())
			case "keep":
				if c := kept(); c.Channel.Left == 0 {
					k = c
				}
			case "leave":
				_ = l.act(0, "leave")
			case "finish":
				_ = l.act(0, "finish")
			case "watch":
				watch()
				if !tower.away {
					looked = time.Now()
				}
			case "away":
				tower.away = !tower.away
			case "claim":
				if f, err := channels.Read(path); err == nil {
					_, _ = closeChannel(t.Context(), l, f, pipeParties[1], "claim")
				}
			}
		}
		if f, err := channels.Read(path); err == nil && !l.ended && f.Total > l.got {
			if _, err := closeChannel(t.Context(), l, f, pipeParties[1], "close"); err != nil {
				t.Fatalf("%s accepted, got %s: %v", accepted, l.got, err)
			}
		}
		if l.got < accepted {
			t.Fatalf("%s were accepted, %s paid", accepted, l.got)
		}
	})
}
