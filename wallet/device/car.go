package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/channels"
)

// Car is one machine that pays.
type Car struct {
	Now    func() uint64
	Lead   int // how many ticks the file is ahead of what is revealed
	File   channels.File
	Path   string
	Sender *channel.Sender
	Resume func(base money.Tiyn) *channel.Sender
	Ticked int
	began  bool // a voucher was signed in this run
	Purse  *channel.Purse
	Spent  string     // the file of what the key spent today, in all runs
	ahead  money.Tiyn // of that, what this run put there and has not revealed yet
}

// Drive pays tick by tick until ticks are paid, ctx ends, or the charger refuses.
func (c *Car) Drive(ctx context.Context, conn net.Conn, ticks int, every time.Duration) (err error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	link, limit := NewLink(conn)
	var answer Message
	ask := func(m Message) error {
		if err := link.send(m); err != nil {
			return err
		}
		answer, err = link.Receive(limit)
		if err == nil && answer.Code != "" {
			return token.Errorf(token.Code(answer.Code), "charger", "%s", terminal.Plain(answer.Detail))
		}
		return err
	}
	if err := ask(Message{Hello: &c.File.Channel}); err != nil {
		return err
	}
	// What the charger says it has lies within what was revealed: below, it forgot; above, it lies.
	least, most := c.File.PaidBetween()
	c.Sender = c.Resume(max(least, min(answer.Total, most)))
	// However a run ends, what is kept is what was revealed. The words of its chain that were not are in no file: what
	// was signed for beyond the last word can never be claimed.
	defer func() {
		if worth := c.Sender.Worth(); c.began {
			err = errors.Join(err, channels.MovePaid(c.Path, &c.File, worth, 0, worth), c.spend(0))
		}
	}()
	for c.Ticked < ticks {
		if c.Ticked%contract.MaxChain == 0 {
			if err := c.voucher(ask, min(contract.MaxChain, ticks-c.Ticked)); err != nil {
				return err
			}
		}
		if err := c.reserve(ticks); err != nil {
			return err
		}
		word, refused := c.Sender.NextTick(c.Now())
		if refused != nil {
			return refused
		}
		c.ahead -= c.Sender.Terms.Tick // it is revealed, whether it is answered or not
		if err := ask(Message{Tick: &word}); err != nil {
			return err
		}
		c.Ticked++
		if every > 0 {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// spentToday is what a device's key has spent on a day since 1970, over all channels and runs. It is kept ahead of what
// is revealed, as the channel's own file is: a device that is killed has spent too much for that day, never too little.
type spentToday struct {
	Day   uint64     `json:"day"`
	Spent money.Tiyn `json:"spent"`
}

// spend puts into the day's account what comes next, takes out what of the last was not revealed, and tells the mandate
// what others have spent. What a mandate does not allow is put there only as far as it goes.
func (c *Car) spend(next money.Tiyn) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(c.Spent)); err != nil {
		return err
	}
	day := c.Now() / uint64((24 * time.Hour).Milliseconds())
	return durable.Update(vfs.OS, c.Spent, channels.MaxFile, func(content []byte) ([]byte, error) {
		var s spentToday
		if content != nil {
			if err := json.Unmarshal(content, &s); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Spent, err)
			}
		}
		if s.Day != day {
			s, c.ahead = spentToday{Day: day}, 0
		}
		s.Spent = max(0, s.Spent-c.ahead)
		c.Purse.Day, c.Purse.Spent = day, s.Spent
		if c.Purse.MaxDay != 0 {
			next = max(0, min(next, c.Purse.MaxDay-s.Spent))
		}
		s.Spent += next
		c.ahead = next
		return json.Marshal(s)
	})
}

// reserve keeps in the file, before they are revealed, the ticks that come next.
func (c *Car) reserve(ticks int) error {
	_, most := c.File.PaidBetween()
	if worth := c.Sender.Worth(); worth+c.Sender.Terms.Tick > most {
		left := c.Ticked % contract.MaxChain
		next := money.Tiyn(min(c.Lead, contract.MaxChain-left, ticks-c.Ticked)) * c.Sender.Terms.Tick
		if err := c.spend(next); err != nil {
			return err
		}
		return channels.MovePaid(c.Path, &c.File, worth+next, next, max(c.File.Total, worth+next))
	}
	return nil
}

// voucher signs for what was ticked so far, over a fresh chain. What was paid and the most that it can come to are two
// figures, both kept first.
func (c *Car) voucher(ask func(Message) error, ticks int) error {
	v, err := c.Sender.Pay(0, ticks, c.Now())
	if err != nil {
		return err
	}
	if err := channels.MovePaid(c.Path, &c.File, v.Amount, 0,
		v.Amount+money.Tiyn(ticks)*c.Sender.Terms.Tick); err != nil {
		return err
	}
	c.began = true
	return ask(Message{Voucher: &v})
}
