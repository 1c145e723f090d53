package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newDeviceCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "device", Short: "Run a machine that pays or is paid, with nobody present",
		Long: `A charger and a car: simulated as machines, real as wallets. The car pays the charger over a
channel by ticks of a hash chain, a TCP connection between them, each line of it a JSON message.
The car's owner opens the channel with the car's key (aqsha channel open --key) and revokes it
with aqsha channel leave.`,
	}
	addLedgerFlags(command)
	command.AddCommand(newDeviceKey(), newDeviceCharger(), newDeviceCar())
	return command
}

// maxDeviceLine bounds a message between devices, deviceSilence how long one waits for the other.
const (
	maxDeviceLine = 4096
	deviceSilence = 30 * time.Second
)

// deviceMessage is a line between two machines: the car sends one of the first three, the charger
// answers each with what it has accepted in all, or with the code of its refusal.
type deviceMessage struct {
	Hello   *channel.ID      `json:"hello,omitempty"`
	Voucher *channel.Voucher `json:"voucher,omitempty"`
	Tick    *channel.Word    `json:"tick,omitempty"`

	Total  money.Tiyn `json:"total,omitempty"`
	Code   string     `json:"code,omitempty"`
	Detail string     `json:"detail,omitempty"`
}

// deviceLink sends and receives lines.
type deviceLink struct {
	net.Conn
	in *json.Decoder
}

// lineLimit fails when one connection has carried more than any session needs in one message's time.
type lineLimit struct {
	r    io.Reader
	left int
}

func (l *lineLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a message of more than %d bytes", maxDeviceLine)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

func newDeviceLink(c net.Conn) (*deviceLink, *lineLimit) {
	limit := &lineLimit{r: c}
	return &deviceLink{c, json.NewDecoder(limit)}, limit
}

func (l *deviceLink) send(m deviceMessage) error {
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_ = l.SetWriteDeadline(time.Now().Add(deviceSilence))
	_, err = l.Write(append(content, '\n'))
	return err
}

func (l *deviceLink) receive(limit *lineLimit) (m deviceMessage, err error) {
	limit.left = maxDeviceLine
	_ = l.SetReadDeadline(time.Now().Add(deviceSilence))
	return m, l.in.Decode(&m)
}

func newDeviceKey() *cobra.Command {
	return &cobra.Command{
		Use: "key NAME", Short: "Make a device's key, with which its owner opens channels for it", Args: cobra.ExactArgs(1), Example: "  aqsha device key car",
		RunE: func(command *cobra.Command, args []string) error {
			book, err := openBook(command)
			if err != nil {
				return err
			}
			key, err := book.NewKey(args[0])
			if err != nil {
				return err
			}
			return show(command, map[string]any{"name": args[0], "key": key.Public()}, func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", args[0], key.Public()) })
		},
	}
}

func newDeviceCharger() *cobra.Command {
	command := &cobra.Command{
		Use: "charger", Short: "Be a charger: take ticks from cars, look at the ledger for revocations, close channels", Args: cobra.NoArgs,
		Example: "  aqsha device charger --wallet charger --listen 127.0.0.1:7420",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, _ []string) error {
			ids, err := s.resolve(flag(command, "wallet"))
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", flag(command, "listen"))
			if err != nil {
				return err
			}
			defer listener.Close()
			defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
			fmt.Fprintf(command.ErrOrStderr(), "the charger (a simulated machine) listens at %s\n", listener.Addr())
			sessions, _ := command.Flags().GetInt("sessions")
			every, _ := command.Flags().GetDuration("look")
			c := &charger{ledger: s, now: s.Now, network: s.Network, wallet: ids[0], look: every, path: func(id token.WalletID) string { return channelPath(command, id.String(), "receiver") },
				close: func(ctx context.Context, f channelFile) (node.Receipt, error) {
					return closeChannel(ctx, s, f, ids[0], "close")
				},
				show: func(r sessionResult) error {
					return show(command, r, func(w io.Writer) {
						fmt.Fprintf(w, "%d ticks, %s in all; %s\n", r.Ticks, r.Total.Format(), plain(r.Why))
					})
				}}
			c.keep, _ = command.Flags().GetInt("keep")
			c.leastWindow, _ = command.Flags().GetDuration("least-window")
			c.leastLife, _ = command.Flags().GetDuration("least-life")
			if least := 2*deviceSilence + c.look; c.leastWindow < least || c.leastLife < least {
				return usageError{fmt.Errorf("--least-window, --least-life: at least %s: a car may be silent for %s, and then there is still to close", least, deviceSilence)}
			}
			for served := 0; sessions == 0 || served < sessions; served++ {
				conn, err := listener.Accept()
				if ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				if err := c.serve(ctx, conn); err != nil && ctx.Err() == nil {
					fmt.Fprintf(command.ErrOrStderr(), "session: %v\n", err)
				}
			}
			return nil
		}),
	}
	command.Flags().String("wallet", "", "the charger's wallet")
	_ = command.MarkFlagRequired("wallet")
	command.Flags().String("listen", "127.0.0.1:7420", "address for cars")
	command.Flags().Int("sessions", 0, "stop after so many cars (0: never)")
	command.Flags().Int("keep", 1, "ticks after which the book is written: as many are lost when this process is killed; more is faster")
	command.Flags().Duration("look", time.Second, "how often to look at the ledger for a revocation")
	command.Flags().Duration("least-window", 2*time.Minute, "refuse channels whose window to claim is shorter")
	command.Flags().Duration("least-life", 2*time.Minute, "refuse channels that end sooner, and close a session before its channel ends within this time")
	return command
}

// endsSoon is the code of a channel that leaves the receiver no time to claim.
const endsSoon token.Code = "channel-ends-soon"

// channelLedger is what machines ask the ledger.
type channelLedger interface {
	Channel(ctx context.Context, id token.WalletID) (wallet.Channel, error)
}

// charger is one machine; it serves one car at a time.
type charger struct {
	ledger                       channelLedger
	now                          func() uint64
	network                      token.NetworkID
	wallet                       token.WalletID
	look, leastWindow, leastLife time.Duration
	keep                         int                            // ticks that it accepts before it puts them into its book
	path                         func(id token.WalletID) string // of the book of a channel
	close                        func(ctx context.Context, f channelFile) (node.Receipt, error)
	show                         func(r sessionResult) error
}

// sessionResult is what a session comes to.
type sessionResult struct {
	Contract token.WalletID `json:"contract"`
	Ticks    int            `json:"ticks"`
	Total    money.Tiyn     `json:"total"`
	Why      string         `json:"why"` // it ended
	Closed   *node.Receipt  `json:"closed,omitempty"`
}

// serve plays one session: hello, vouchers, ticks; then it closes, whatever happened, with the last that it accepted.
func (c *charger) serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	link, limit := newDeviceLink(conn)
	hello, err := link.receive(limit)
	if err != nil || hello.Hello == nil {
		return errors.Join(errors.New("no hello"), err)
	}
	path := c.path(hello.Hello.Contract)
	r, known, err := receiverOf(ctx, c.ledger, path, hello.Hello.Contract)
	if err == nil {
		err = c.suits(known, hello.Hello.Network)
	}
	if err != nil {
		_ = link.send(deviceMessage{Code: "no-channel", Detail: err.Error()})
		return err
	}
	if err := link.send(deviceMessage{Total: r.Worth()}); err != nil {
		return err
	}
	result := sessionResult{Contract: hello.Hello.Contract}
	result.Why = c.accept(ctx, link, limit, path, r, &result.Ticks)
	result.Total = r.Worth()
	claim, begun := r.Claim()
	if err := keepClaim(path, r); err != nil {
		return err
	}
	if begun {
		receipt, err := c.close(ctx, channelFile{Channel: r.ID, Claim: &claim})
		if err != nil {
			return err
		}
		result.Closed = &receipt
	}
	return c.show(result)
}

// suits says whether a channel is one that the charger takes.
func (c *charger) suits(known wallet.Channel, network token.NetworkID) error {
	switch {
	case network != c.network:
		return errors.New("a channel of another network")
	case known.Receiver != c.wallet:
		return errors.New("the channel pays somebody else")
	case known.Left != 0:
		return token.Errorf(channel.Revoked, "channel", "the owner left, or revoked the device")
	case known.Window < uint64(c.leastWindow.Milliseconds()):
		return fmt.Errorf("the window to claim is %d ms, at least %s is wanted", known.Window, c.leastWindow)
	case known.Ends < c.now()+uint64(c.leastLife.Milliseconds()):
		return token.Errorf(endsSoon, "channel", "it ends at %s, within %s: nothing can be claimed after that", moment(known.Ends), c.leastLife)
	}
	return nil
}

// accept takes what the car sends until something ends it, and says what.
func (c *charger) accept(ctx context.Context, link *deviceLink, limit *lineLimit, path string, r *channel.Receiver, ticks *int) string {
	looked, unkept := time.Now(), 0
	for {
		m, err := link.receive(limit)
		if errors.Is(err, io.EOF) {
			return "the car has gone"
		}
		if err != nil {
			return "the car is silent: " + err.Error()
		}
		if time.Since(looked) >= c.look {
			now, err := c.ledger.Channel(ctx, r.Contract)
			looked = time.Now() // from here: a look that takes long leaves time for ticks too
			if err != nil {
				return "the ledger is out of reach: " + err.Error()
			} else if now.Left != 0 {
				r.Leave(now.Left)
			} else if now.Ends < c.now()+uint64(c.leastLife.Milliseconds()) {
				return "the channel ends at " + moment(now.Ends)
			} else {
				r.TopUp(now.Deposit)
			}
		}
		var refused *token.Error
		switch {
		case m.Voucher != nil:
			refused = r.Accept(m.Voucher, c.now())
		case m.Tick != nil:
			refused = r.Tick(*m.Tick, c.now())
		default:
			refused = token.Errorf(channel.BadTick, "message", "neither a voucher nor a tick")
		}
		if refused == nil { // kept before anything is delivered for it: a charger that crashes has what it delivered for
			if m.Tick != nil {
				*ticks++
				unkept++
			}
			if m.Voucher != nil || unkept >= c.keep {
				if err := keepClaim(path, r); err != nil {
					return err.Error()
				}
				unkept = 0
			}
		}
		if refused != nil {
			_ = link.send(deviceMessage{Code: string(refused.Code), Detail: refused.Detail, Total: r.Worth()})
			return refused.Error()
		}
		if err := link.send(deviceMessage{Total: r.Worth()}); err != nil {
			return "the car has gone"
		}
	}
}

func newDeviceCar() *cobra.Command {
	command := &cobra.Command{
		Use: "car CHANNEL", Short: "Be a car: pay a charger by the tick", Args: cobra.ExactArgs(1),
		Example: "  aqsha device car charging --to 127.0.0.1:7420 --ticks 600 --every 100ms --spend-most 300",
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			f, err := readChannelFile(channelPath(command, args[0], "sender"))
			if err != nil {
				return err
			}
			if f.Seed == nil {
				return usageError{errors.New("the channel's file has no seed")}
			}
			known, err := s.Channel(ctx, f.Channel.Contract)
			if err != nil {
				return err
			}
			key, err := s.Book.Key(f.Key)
			if err != nil {
				return err
			}
			purse := &channel.Purse{}
			if purse.DayMost, err = amountFlag(command, "day-most"); err != nil {
				return err
			}
			if purse.CounterpartyMost, err = amountFlag(command, "spend-most"); err != nil {
				return err
			}
			lead, _ := command.Flags().GetInt("ahead")
			if lead < 1 || lead > contract.MaxChain {
				return usageError{fmt.Errorf("--ahead: want 1 to %d ticks", contract.MaxChain)}
			}
			car := &car{now: s.Now, lead: lead, file: f, path: channelPath(command, args[0], "sender"), purse: purse, spent: spentPath(command, f.Key),
				resume: func(base money.Tiyn) *channel.Sender {
					return channel.NewSender(known.Terms, key, *f.Seed, rand.Reader, base, purse)
				}}
			_, most := f.paid()
			car.sender = car.resume(most)
			ticks, _ := command.Flags().GetInt("ticks")
			every, _ := command.Flags().GetDuration("every")
			dialer := net.Dialer{Timeout: deviceSilence}
			conn, err := dialer.DialContext(ctx, "tcp", flag(command, "to"))
			if err == nil {
				err = car.drive(ctx, conn, ticks, every)
			}
			shown := show(command, sessionResult{Contract: f.Channel.Contract, Ticks: car.ticked, Total: car.sender.Worth()}, func(w io.Writer) {
				fmt.Fprintf(w, "%d ticks, %s in all\n", car.ticked, car.sender.Worth().Format())
			})
			return errors.Join(err, shown)
		}),
	}
	command.Flags().String("to", "127.0.0.1:7420", "address of the charger")
	command.Flags().Int("ticks", 100, "how many ticks to pay")
	command.Flags().Duration("every", 0, "time between ticks")
	command.Flags().Int("ahead", 1, "ticks put into the file before they are paid: as many may be paid twice when this process is killed and the charger lies; more is faster")
	command.Flags().String("day-most", "", "mandate: most tenge a day, over all channels and runs of this key")
	command.Flags().String("spend-most", "", "mandate: most tenge to this charger")
	return command
}

// car is one machine that pays.
type car struct {
	now    func() uint64
	lead   int // how many ticks the file is ahead of what is revealed
	file   channelFile
	path   string
	sender *channel.Sender
	resume func(base money.Tiyn) *channel.Sender
	ticked int
	began  bool // a voucher was signed in this run
	purse  *channel.Purse
	spent  string     // the file of what the key spent today, in all runs
	ahead  money.Tiyn // of that, what this run put there and has not revealed yet
}

func (c *car) drive(ctx context.Context, conn net.Conn, ticks int, every time.Duration) (err error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	link, limit := newDeviceLink(conn)
	var answer deviceMessage
	ask := func(m deviceMessage) error {
		if err := link.send(m); err != nil {
			return err
		}
		answer, err = link.receive(limit)
		if err == nil && answer.Code != "" {
			return token.Errorf(token.Code(answer.Code), "charger", "%s", plain(answer.Detail))
		}
		return err
	}
	if err := ask(deviceMessage{Hello: &c.file.Channel}); err != nil {
		return err
	}
	// What the charger says it has lies within what was revealed: below, it forgot; above, it lies.
	least, most := c.file.paid()
	c.sender = c.resume(max(least, min(answer.Total, most)))
	// However a run ends, what is kept is what was revealed. The words of its chain that were not are in no file: what
	// was signed for beyond the last word can never be claimed.
	defer func() {
		if worth := c.sender.Worth(); c.began {
			err = errors.Join(err, movePaid(c.path, &c.file, worth, 0, worth), c.spend(0))
		}
	}()
	for c.ticked < ticks {
		if c.ticked%contract.MaxChain == 0 {
			if err := c.voucher(ask, min(contract.MaxChain, ticks-c.ticked)); err != nil {
				return err
			}
		}
		if err := c.reserve(ticks); err != nil {
			return err
		}
		word, refused := c.sender.NextTick(c.now())
		if refused != nil {
			return refused
		}
		c.ahead -= c.sender.Terms.Tick // it is revealed, whether it is answered or not
		if err := ask(deviceMessage{Tick: &word}); err != nil {
			return err
		}
		c.ticked++
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

func spentPath(command *cobra.Command, key string) string {
	return filepath.Join(flag(command, "data"), "channels", key+".spent.json")
}

// spend puts into the day's account what comes next, takes out what of the last was not revealed, and tells the mandate
// what others have spent. What a mandate does not allow is put there only as far as it goes.
func (c *car) spend(next money.Tiyn) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(c.spent)); err != nil {
		return err
	}
	day := c.now() / uint64((24 * time.Hour).Milliseconds())
	return durable.Update(vfs.OS, c.spent, maxChannelFile, func(content []byte) ([]byte, error) {
		var s spentToday
		if content != nil {
			if err := json.Unmarshal(content, &s); err != nil {
				return nil, fmt.Errorf("%s: %w", c.spent, err)
			}
		}
		if s.Day != day {
			s, c.ahead = spentToday{Day: day}, 0
		}
		s.Spent = max(0, s.Spent-c.ahead)
		c.purse.Day, c.purse.Spent = day, s.Spent
		if c.purse.DayMost != 0 {
			next = max(0, min(next, c.purse.DayMost-s.Spent))
		}
		s.Spent += next
		c.ahead = next
		return json.Marshal(s)
	})
}

// reserve keeps in the file, before they are revealed, the ticks that come next.
func (c *car) reserve(ticks int) error {
	_, most := c.file.paid()
	if worth := c.sender.Worth(); worth+c.sender.Terms.Tick > most {
		left := c.ticked % contract.MaxChain
		next := money.Tiyn(min(c.lead, contract.MaxChain-left, ticks-c.ticked)) * c.sender.Terms.Tick
		if err := c.spend(next); err != nil {
			return err
		}
		return movePaid(c.path, &c.file, worth+next, next, max(c.file.Total, worth+next))
	}
	return nil
}

// voucher signs for what was ticked so far, over a fresh chain. What was paid and the most that it can come to are two
// figures, both kept first.
func (c *car) voucher(ask func(deviceMessage) error, ticks int) error {
	v, err := c.sender.Pay(0, ticks, c.now())
	if err != nil {
		return err
	}
	if err := movePaid(c.path, &c.file, v.Amount, 0, v.Amount+money.Tiyn(ticks)*c.sender.Terms.Tick); err != nil {
		return err
	}
	c.began = true
	return ask(deviceMessage{Voucher: &v})
}
