package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

// endsSoon is the code of a channel that leaves the receiver no time to claim.
const endsSoon token.Code = "channel-ends-soon"

// Charger is one machine; it serves one car at a time.
type Charger struct {
	Ledger                       channels.Ledger
	Now                          func() uint64
	Network                      token.NetworkID
	Wallet                       token.WalletID
	Look, LeastWindow, LeastLife time.Duration
	// ticks that it accepts before it puts them into its book
	Keep  int
	Path  func(id token.WalletID) string // of the book of a channel
	Close func(ctx context.Context, f channels.File) (node.Receipt, error)
	Show  func(r Result) error
}

// Result is what a session comes to.
type Result struct {
	Contract token.WalletID `json:"contract"`
	Ticks    int            `json:"ticks"`
	Total    money.Tiyn     `json:"total"`
	Why      string         `json:"why"` // it ended
	Closed   *node.Receipt  `json:"closed,omitempty"`
}

// Serve plays one session: hello, vouchers, ticks; then it closes, whatever happened, with the last that it accepted.
func (c *Charger) Serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	link, limit := NewLink(conn)
	hello, err := link.Receive(limit)
	if err != nil || hello.Hello == nil {
		return errors.Join(errors.New("no hello"), err)
	}
	path := c.Path(hello.Hello.Contract)
	r, known, err := channels.ReceiverOf(ctx, c.Ledger, path, hello.Hello.Contract, c.Now())
	if err == nil {
		err = c.suits(known, hello.Hello.Network)
	}
	if err != nil {
		_ = link.send(Message{Code: "no-channel", Detail: err.Error()})
		return err
	}
	if err := link.send(Message{Total: r.Worth()}); err != nil {
		return err
	}
	result := Result{Contract: hello.Hello.Contract}
	result.Why = c.accept(ctx, link, limit, path, r, &result.Ticks)
	result.Total = r.Worth()
	claim, begun := r.Claim()
	if err := channels.KeepClaim(path, r); err != nil {
		return err
	}
	if begun {
		receipt, err := c.Close(ctx, channels.File{Channel: r.ID, Claim: &claim})
		if err != nil {
			return err
		}
		result.Closed = &receipt
	}
	return c.Show(result)
}

// suits says whether a channel is one that the charger takes.
func (c *Charger) suits(known wallet.Channel, network token.NetworkID) error {
	switch {
	case network != c.Network:
		return errors.New("a channel of another network")
	case known.Receiver != c.Wallet:
		return errors.New("the channel pays somebody else")
	case known.Left != 0:
		return token.Errorf(channel.Revoked, "channel", "the owner left, or revoked the device")
	case known.Window < uint64(c.LeastWindow.Milliseconds()):
		return fmt.Errorf("the window to claim is %d ms, at least %s is wanted", known.Window, c.LeastWindow)
	case known.Ends < c.Now()+uint64(c.LeastLife.Milliseconds()):
		return token.Errorf(endsSoon, "channel", "it ends at %s, within %s: nothing can be claimed after that",
			terminal.Moment(known.Ends), c.LeastLife)
	}
	return nil
}

// accept takes what the car sends until something ends it, and says what.
func (c *Charger) accept(ctx context.Context, link *Link, limit *LineLimit, path string, r *channel.Receiver,
	ticks *int) string {
	looked, unkept := time.Now(), 0
	look := func() string {
		asked := c.Now()
		now, err := c.Ledger.Channel(ctx, r.Contract)
		looked = time.Now() // from here: a look that takes long leaves time for ticks too
		switch {
		case err != nil:
			return "the ledger is out of reach: " + err.Error()
		case now.Left != 0:
			r.Leave(now.Left)
		case now.Ends < c.Now()+uint64(c.LeastLife.Milliseconds()):
			return "the channel ends at " + terminal.Moment(now.Ends)
		default:
			r.TopUp(now.Deposit)
			r.Asked = asked
		}
		return ""
	}
	for {
		m, err := link.Receive(limit)
		if errors.Is(err, io.EOF) {
			return "the car has gone"
		}
		if err != nil {
			return "the car is silent: " + err.Error()
		}
		if time.Since(looked) >= c.Look {
			if why := look(); why != "" {
				return why
			}
		}
		refused := c.take(r, &m)
		if refused != nil && refused.Code == channel.AboveDay { // it may be another day since the ledger was asked
			if why := look(); why != "" {
				return why
			}
			refused = c.take(r, &m)
		}
		// kept before anything is delivered for it: a charger that crashes has what it delivered for
		if refused == nil {
			if m.Tick != nil {
				*ticks++
				unkept++
			}
			if m.Voucher != nil || unkept >= c.Keep {
				if err := channels.KeepClaim(path, r); err != nil {
					return err.Error()
				}
				unkept = 0
			}
		}
		if refused != nil {
			_ = link.send(Message{Code: string(refused.Code), Detail: refused.Detail, Total: r.Worth()})
			return refused.Error()
		}
		if err := link.send(Message{Total: r.Worth()}); err != nil {
			return "the car has gone"
		}
	}
}

// take gives the receiver what the car sent: a voucher, or the next word of its chain.
func (c *Charger) take(r *channel.Receiver, m *Message) *token.Error {
	switch {
	case m.Voucher != nil:
		return r.Accept(m.Voucher, c.Now())
	case m.Tick != nil:
		return r.Tick(*m.Tick, c.Now())
	}
	return token.Errorf(channel.BadTick, "message", "neither a voucher nor a tick")
}
