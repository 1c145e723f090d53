package pursecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/ur"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/purse"
)

// patience is how long a connection is waited for, and an exchange on it.
const patience = 2 * time.Minute

// pipe is this process's input and output.
type pipe struct {
	io.Reader
	io.Writer
}

// other is who pays, or is paid, at the other end: of a connection, or of this process's input and output.
func other(command *cobra.Command) (io.ReadWriter, func() error, error) {
	none := func() error { return nil }
	ctx, cancel := context.WithTimeout(command.Context(), patience)
	defer cancel()
	if address := cli.Flag(command, "connect"); address != "" {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, none, cli.Unreached(err)
		}
		return conn, conn.Close, conn.SetDeadline(time.Now().Add(patience))
	}
	address := cli.Flag(command, "listen")
	if address == "" {
		// The exchange has the output: what is to be read goes elsewhere.
		in, out := command.InOrStdin(), command.OutOrStdout()
		command.SetOut(command.ErrOrStderr())
		return pipe{in, out}, none, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, none, err
	}
	defer listener.Close()
	fmt.Fprintf(command.ErrOrStderr(), "waits on %s\n", listener.Addr())
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	conn, err := listener.Accept()
	if err != nil {
		return nil, none, cli.Unreached(errors.New("nobody came in two minutes"))
	}
	return conn, conn.Close, conn.SetDeadline(time.Now().Add(patience))
}

func addExchangeFlags(command *cobra.Command) {
	command.Flags().String("connect", "",
		"address HOST:PORT of the other device (default: this process's input and output)")
	cli.ListenFlag(command.Flags(), "listen", "", "wait on an address HOST:PORT for the other device")
	command.MarkFlagsMutuallyExclusive("connect", "listen", "step")
	addCodeFlags(command)
	for _, flag := range []string{"qr", "ur"} { // over a connection there is nothing to see
		command.MarkFlagsMutuallyExclusive("connect", flag)
		command.MarkFlagsMutuallyExclusive("listen", flag)
	}
}

const stepUsage = "one step of an exchange by messages carried otherwise, as text: "

func newReceiveCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "receive [AMOUNT]", Short: "Ask for an amount and take the payment, without a network",
		Long: `Asks whoever is at the other end: of this process's input and output (a pipe), of a connection
(--listen, --connect), or of files, codes and chats, where --step request prints the request's text, and --step
payment takes the payment's text from the input and prints the receipt. A text is hexadecimal, or with --ur frames
of a code; --qr draws the code. The payment is checked, and written down before the receipt says yes. With two
payments that contradict each other the proof goes to --proof: anybody may submit it (aqsha purse convict).`,
		Example: "  aqsha purse receive 250 --step request --purse ./phone.json\n" +
			"  aqsha purse receive 250 --step request --qr ./request.png --purse ./phone.json",
		Args: cobra.MaximumNArgs(1),
		RunE: receive,
	}
	addReceiveFlags(command)
	return cli.SpeakingAtOnce(command)
}

func addReceiveFlags(command *cobra.Command) {
	command.Flags().String("step", "", stepUsage+"request or payment")
	command.Flags().String("proof", "./conviction.txt", "file for the proof of a payer who has paid twice")
	addExchangeFlags(command)
}

// receive takes a payment: by a connection in one go, or by steps with texts between. What the phone has taken is on
// its disk before the receipt is printed.
func receive(command *cobra.Command, args []string) error {
	phone, step := phoneOf(command), cli.Flag(command, "step")
	if step == "payment" {
		if len(args) > 0 {
			return cli.Usage(errors.New("the request of the payment says its amount"))
		}
		message, err := textOf(command)
		if err != nil {
			return err
		}
		receipt, conviction, err := phone.Take(message)
		// A proof of two signatures is kept even where the payment is refused for it: it is worth a bond's money.
		if err := errors.Join(keepProof(command, conviction), err); err != nil {
			return err
		}
		warnStale(command, phone)
		return showText(command, "receipt", receipt)
	}
	if len(args) == 0 || step != "" && step != "request" {
		return cli.Usage(errors.New("want an amount; --step is request or payment"))
	}
	amount, err := money.ParseTenge(args[0])
	if err != nil {
		return cli.Usage(err)
	}
	if step == "request" {
		request, err := phone.Ask(amount)
		if err != nil {
			return err
		}
		return showText(command, "request", request)
	}
	end, shut, err := other(command)
	if err != nil {
		return err
	}
	conviction, err := phone.Collect(end, amount)
	if err := errors.Join(keepProof(command, conviction), brokenOff(err), shut()); err != nil {
		return err
	}
	return showPurse(command, phone)
}

// warnStale says, beside what is carried on, that payments are taken by a stale revocation list, or by none.
func warnStale(command *cobra.Command, phone *purse.Phone) {
	// What was taken is written: that its list cannot be read is said by the next payment.
	if s, err := phone.Standing(); err == nil && s.ListStale {
		fmt.Fprintln(command.ErrOrStderr(), "warning: "+staleWords(cli.LanguageFor(command), &s))
	}
}

// brokenOff says what an exchange that ended too early leaves.
func brokenOff(err error) error {
	var timeout net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &timeout) {
		return cli.SentUnanswered(fmt.Errorf(
			"the exchange broke off: %w; what was signed is whole, meet again to finish it", err))
	}
	return err
}

func keepProof(command *cobra.Command, conviction []byte) error {
	if len(conviction) == 0 {
		return nil
	}
	return cli.WriteFile(cli.Flag(command, "proof"), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, purse.Text(conviction))
		return err
	})
}

func newPayCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "pay MOST", Short: "Pay what the other device asks for, at most so much, without a network",
		Long: `Pays whoever is at the other end, as "purse receive" has it. By messages carried otherwise
--step payment takes the request's text from the input and prints the payment's, and --step receipt takes the
receipt's. The payment is written down before it is shown, and is the same until its receipt comes: what broke
off is shown again. One whose receipt never comes is given up (aqsha purse give-up).`,
		Example: "  aqsha purse pay 250 --step payment --purse ./phone.json", Args: cobra.ExactArgs(1), RunE: pay,
	}
	command.Flags().String("step", "", stepUsage+"payment or receipt")
	addExchangeFlags(command)
	return cli.SpeakingAtOnce(command)
}

// pay gives what is asked for, up to MOST. The payment is on the disk before it is shown, and stays the same until its
// receipt: a second one for the same request would be two signatures that contradict each other.
func pay(command *cobra.Command, args []string) error {
	// The most that may be asked: the amount comes in the payee's message, and is held against this before anything is
	// signed.
	most, err := money.ParseTenge(args[0])
	if err != nil {
		return cli.Usage(err)
	}
	phone := phoneOf(command)
	switch step := cli.Flag(command, "step"); step {
	case "payment", "receipt":
		message, err := textOf(command)
		if err != nil {
			return err
		}
		if step == "receipt" {
			if err := phone.Finish(message); err != nil {
				return err
			}
			return showPurse(command, phone)
		}
		payment, err := phone.Pay(message, most)
		if err != nil {
			return err
		}
		return showText(command, "payment", payment)
	case "":
	default:
		return cli.Usage(errors.New("--step is payment or receipt"))
	}
	end, shut, err := other(command)
	if err != nil {
		return err
	}
	_, err = phone.Give(end, most)
	if err := errors.Join(brokenOff(err), shut()); err != nil {
		return err
	}
	return showPurse(command, phone)
}

func newGiveUpCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "give-up", Short: "Stop waiting for a payment's receipt, so that the purse can pay again",
		Long: `For a payment whose receipt never comes: the payee has gone, or the request was mistyped. It is
signed, and whoever has it may claim it: it stays paid, and the purse never signs another in its place. It also
stays in the purse's file: --list prints such payments' texts, to be shown still, and the receipt is still taken
in. What nobody claims returns with the rest of the deposit when the purse is closed.`,
		Example: "  aqsha purse give-up --purse ./phone.json\n  aqsha purse give-up --list --purse ./phone.json",
		Args:    cobra.NoArgs, RunE: giveUp,
	}
	command.Flags().Bool("list", false, "print the payments that were given up and have no receipt, and change nothing")
	return command
}

// giveUp ends the waiting for a receipt. The payment may still be claimed, and its text is printed to be shown again.
func giveUp(command *cobra.Command, _ []string) error {
	phone := phoneOf(command)
	if list, _ := command.Flags().GetBool("list"); list {
		messages, err := phone.GivenUp()
		if err != nil {
			return err
		}
		texts := []string{}
		for _, message := range messages {
			texts = append(texts, purse.Text(message))
		}
		return cli.Show(command, map[string][]string{"payments": texts}, func(w io.Writer) {
			for _, text := range texts {
				fmt.Fprintln(w, text)
			}
		})
	}
	request, message, err := phone.GiveUp()
	if err != nil {
		return err
	}
	return cli.Show(command, map[string]any{"payee": request.Payee, "amount_tiyn": request.Amount,
		"payment": purse.Text(message)}, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("purse.given-up", "amount", request.Amount.Format(), "payee",
			request.Payee))
	})
}

// textOf reads a message's text from the input.
func textOf(command *cobra.Command) ([]byte, error) {
	// In frames of a few bytes each a message takes most.
	text, err := io.ReadAll(io.LimitReader(command.InOrStdin(), 32*rules.MaxMessage))
	if err != nil {
		return nil, err
	}
	return purse.FromText(string(text))
}

// frameBytes is how much a frame of a code holds: what a phone's camera reads off a phone's screen at once.
const frameBytes = 150

func addCodeFlags(command *cobra.Command) {
	command.Flags().String("qr", "",
		"with --step, also draw the message as a code in this file: PNG of one, GIF of several in turn")
	command.Flags().Bool("ur", false, "with --step, print the message as frames of an animated code")
}

// showText prints a message's text, and nothing else for a person: it is to be carried as it is. Where --qr names a
// file, the message's code is drawn there.
func showText(command *cobra.Command, name string, message []byte) error {
	frames, err := ur.Frames(message, frameBytes)
	if err != nil {
		return err
	}
	if path := cli.Flag(command, "qr"); path != "" {
		picture, err := ur.Picture(frames)
		if err != nil {
			return err
		}
		if err := durable.Replace(vfs.OS, path, picture); err != nil {
			return err
		}
	}
	text, shown := purse.Text(message), map[string]any{name: purse.Text(message)}
	if asked, _ := command.Flags().GetBool("ur"); asked {
		text = strings.Join(frames, "\n")
		shown["frames"] = frames
	}
	return cli.Show(command, shown, func(w io.Writer) { fmt.Fprintln(w, text) })
}
