package channelcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/wallet/device"
)

// NewDeviceCommand makes the command "device".
func NewDeviceCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "device", Short: "Run a machine that pays or is paid, with nobody present",
		Long: `A charger and a car: simulated as machines, real as wallets. The car pays the charger over a
channel by ticks of a hash chain, a TCP connection between them, each line of it a JSON message.
The car's owner opens the channel with the car's key (aqsha channel open --key) and revokes it
with aqsha channel leave.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newDeviceKey(), newDeviceCharger(), newDeviceCar())
	return command
}

// newDeviceKey makes "device key": the device's own, which opens no wallet and signs vouchers alone.
func newDeviceKey() *cobra.Command {
	return &cobra.Command{
		Use: "key NAME", Short: "Make a device's key, with which its owner opens channels for it",
		Args: cobra.ExactArgs(1), Example: "  aqsha device key car",
		RunE: func(command *cobra.Command, args []string) error {
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			key, err := keyring.NewKey(args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"name": args[0], "key": key.Public()},
				func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", args[0], key.Public()) })
		},
	}
}

// newDeviceCharger makes "device charger". Cars are served one after the other; a session that fails is said, and the
// next is taken. A kill loses at most --keep ticks, which the car has paid and the charger has not written down.
func newDeviceCharger() *cobra.Command {
	command := &cobra.Command{
		Use: "charger", Short: "Be a charger: take ticks from cars, look at the ledger for revocations, close channels",
		Args:    cobra.NoArgs,
		Example: "  aqsha device charger --wallet charger --listen 127.0.0.1:7420",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
			ids, err := s.Resolve(cli.Flag(command, "wallet"))
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", cli.Flag(command, "listen"))
			if err != nil {
				return err
			}
			defer listener.Close()
			defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
			fmt.Fprintf(command.ErrOrStderr(), "the charger (a simulated machine) listens at %s\n", listener.Addr())
			sessions, _ := command.Flags().GetInt("sessions")
			every, _ := command.Flags().GetDuration("look")
			c := &device.Charger{Ledger: s, Now: s.Now, Network: s.Network, Wallet: ids[0], Look: every,
				Path: func(id token.WalletID) string { return channelPath(command, id.String(), "receiver") },
				Close: func(ctx context.Context, f channels.File) (node.Receipt, error) {
					return closeChannel(ctx, s, f, ids[0], "close")
				},
				Show: func(r device.Result) error {
					return cli.Show(command, r, func(w io.Writer) {
						fmt.Fprintln(w, cli.LanguageFor(command).Text("channel.ticks-why", "ticks", r.Ticks, "total",
							r.Total.Format(), "why", terminal.Plain(r.Why)))
					})
				}}
			c.Keep, _ = command.Flags().GetInt("keep")
			c.LeastWindow, _ = command.Flags().GetDuration("least-window")
			c.LeastLife, _ = command.Flags().GetDuration("least-life")
			// A car that says nothing is noticed after so long, and the claim has still to reach the ledger within
			// the window.
			if least := 2*device.DeviceSilence + c.Look; c.LeastWindow < least || c.LeastLife < least {
				return cli.Usage(fmt.Errorf("--least-window, --least-life: at least %s: a car may be silent for %s, "+
					"and then there is still to close", least, device.DeviceSilence))
			}
			for served := 0; sessions == 0 || served < sessions; served++ {
				conn, err := listener.Accept()
				if ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				if err := c.Serve(ctx, conn); err != nil && ctx.Err() == nil {
					fmt.Fprintf(command.ErrOrStderr(), "session: %v\n", err)
				}
			}
			return nil
		}),
	}
	command.Flags().String("wallet", "", "the charger's wallet")
	_ = command.MarkFlagRequired("wallet")
	cli.ListenFlag(command.Flags(), "listen", "127.0.0.1:7420", "address for cars")
	command.Flags().Int("sessions", 0, "stop after so many cars (0: never)")
	command.Flags().Int("keep", 1,
		"ticks after which the book is written: as many are lost when this process is killed; more is faster")
	command.Flags().Duration("look", time.Second, "how often to look at the ledger for a revocation")
	command.Flags().Duration("least-window", 2*time.Minute, "refuse channels whose window to claim is shorter")
	command.Flags().Duration("least-life", 2*time.Minute,
		"refuse channels that end sooner, and close a session before its channel ends within this time")
	return cli.SpeakingAtOnce(command)
}

// newDeviceCar makes "device car". The mandate (most a day, most to this charger) is held here, before a tick is given
// away: a charger that asks for more gets nothing.
func newDeviceCar() *cobra.Command {
	command := &cobra.Command{
		Use: "car CHANNEL", Short: "Be a car: pay a charger by the tick", Args: cobra.ExactArgs(1),
		Example: "  aqsha device car charging --to 127.0.0.1:7420 --ticks 600 --every 100ms --spend-most 300",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			f, err := channels.Read(channelPath(command, args[0], "sender"))
			if err != nil {
				return err
			}
			if f.Seed == nil {
				return cli.Usage(errors.New("the channel's file has no seed"))
			}
			known, err := s.Channel(ctx, f.Channel.Contract)
			if err != nil {
				return err
			}
			key, err := s.Keyring.Key(f.Key)
			if err != nil {
				return err
			}
			purse := &channel.Purse{}
			if purse.MaxDay, err = cli.AmountFlag(command, "day-most"); err != nil {
				return err
			}
			if purse.MaxCounterparty, err = cli.AmountFlag(command, "spend-most"); err != nil {
				return err
			}
			lead, _ := command.Flags().GetInt("ahead")
			if lead < 1 || lead > contract.MaxChain {
				return cli.Usage(fmt.Errorf("--ahead: want 1 to %d ticks", contract.MaxChain))
			}
			car := &device.Car{Now: s.Now, Lead: lead, File: f, Path: channelPath(command, args[0], "sender"),
				Purse: purse, Spent: spentPath(command, f.Key),
				Resume: func(base money.Tiyn) *channel.Sender {
					return channel.NewSender(known.Terms, key, *f.Seed, rand.Reader, base, purse)
				}}
			// From the most that may have been paid: ticks are put into the file before they are given away, so after
			// a crash the car claims to have paid rather more than less.
			_, most := f.PaidBetween()
			car.Sender = car.Resume(most)
			ticks, _ := command.Flags().GetInt("ticks")
			every, _ := command.Flags().GetDuration("every")
			dialer := net.Dialer{Timeout: device.DeviceSilence}
			conn, err := dialer.DialContext(ctx, "tcp", cli.Flag(command, "to"))
			if err == nil {
				err = car.Drive(ctx, conn, ticks, every)
			}
			shown := cli.Show(command, device.Result{Contract: f.Channel.Contract, Ticks: car.Ticked,
				Total: car.Sender.Worth()}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("channel.ticks", "ticks", car.Ticked, "total",
					car.Sender.Worth().Format()))
			})
			return errors.Join(err, shown)
		}),
	}
	command.Flags().String("to", "127.0.0.1:7420", "address of the charger")
	command.Flags().Int("ticks", 100, "how many ticks to pay")
	command.Flags().Duration("every", 0, "time between ticks")
	command.Flags().Int("ahead", 1,
		"ticks put into the file before they are paid: as many may be paid twice when this process is killed and the "+
			"charger lies; more is faster")
	command.Flags().String("day-most", "", "mandate: most tenge a day, over all channels and runs of this key")
	command.Flags().String("spend-most", "", "mandate: most tenge to this charger")
	return cli.SpeakingAtOnce(command)
}

func spentPath(command *cobra.Command, key string) string {
	return filepath.Join(cli.Flag(command, "data"), "channels", key+".spent.json")
}
