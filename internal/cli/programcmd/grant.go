package programcmd

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewGrantCommand makes the command "grant".
func NewGrantCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "grant", Short: "Budget money: subsidies on a registry's word, works down a chain of suppliers",
		Long: `A subsidy (template grant) is paid when a registry's signature certifies an event. Works (template
work) are paid in marked money from buyer to supplier, each on its buyer's acceptance with the hash
of the act. docs/uses/government.md plays cattle and a railway.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newGrantOpen(), newGrantCertify(), newGrantRelease(), newGrantWork(), newGrantWhere(),
		newContractStep("grant", "give-back", "give_back", "Give a subsidy back, as the seller or the farmer", false),
		newContractStep("grant", "accept", "accept", "Accept works, as their buyer or arbiter: the supplier is paid",
			true),
		newContractStep("grant", "refuse", "refuse",
			"Refuse works, as their supplier or arbiter: the money returns to the buyer", false))
	session.ChangesLedger(command, "open", "release", "work", "give-back", "accept", "refuse")
	return command
}

// newContractStep is an action without arguments, called by a wallet that is named.
func newContractStep(noun, verb, action, short string, document bool) *cobra.Command {
	command := &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		Example: "  aqsha " + noun + " " + verb + " NAME --by WALLET",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0], cli.Flag(command, "by"))
			if err != nil {
				return err
			}
			call := wallet.Call{Contract: ids[0], By: ids[1], Action: action}
			// The hash goes to the ledger and the file stays with its people: what an act says is not everybody's.
			if document {
				if call.Document, err = session.DocumentOf(command); err != nil {
					return err
				}
			}
			receipt, err := s.Call(ctx, call)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.acted", "name", args[0], "action", verb, "by",
					cli.Flag(command, "by")))
		}),
	}
	command.Flags().String("by", "", "the wallet that does it")
	_ = command.MarkFlagRequired("by")
	if document {
		command.Example += " --document act.pdf"
		command.Flags().String("document", "",
			"the act: a file whose SHA-256 is attached, or the 64 digits of the hash")
		_ = command.MarkFlagRequired("document")
	}
	return command
}

// openingOf reads what opening a contract in marked or plain money has in common.
func openingOf(ctx context.Context, command *cobra.Command, s *session.Session,
	amountName string) (purpose uint32, amount money.Tiyn, until time.Time, err error) {
	if amount, err = cli.AmountFlag(command, amountName); err != nil {
		return 0, 0, until, err
	}
	ends, err := cli.UntilFlag(command, "for", s.Now())
	if err != nil {
		return 0, 0, until, err
	}
	until = time.UnixMilli(int64(ends))
	if name := cli.Flag(command, "purpose"); name != "" {
		p, err := s.Purpose(ctx, name)
		if err != nil {
			return 0, 0, until, err
		}
		purpose = p.Number
		// What was not asked for ends with its money.
		if end := time.UnixMilli(int64(p.UntilMillis)); !command.Flags().Changed("for") && end.Before(until) {
			until = end
		}
	}
	return purpose, amount, until, nil
}

func requireFlags(command *cobra.Command, flags ...[2]string) {
	for _, f := range flags {
		command.Flags().String(f[0], "", f[1])
		_ = command.MarkFlagRequired(f[0])
	}
}

// newGrantOpen makes "grant open". Terms are, in the template's order: the subject's hash, the amount, the end, and
// the money's name.
func newGrantOpen() *cobra.Command {
	command := &cobra.Command{
		Use: "open NAME", Short: "Put a subsidy in, as the treasury; it waits for the registry's certificate",
		Args: cobra.ExactArgs(1),
		Example: "  aqsha grant open cow-41 --by treasury --farmer aidar --seller ranch --registry cattle-registry " +
			"--purpose cattle --amount 400000 --subject KZ-41-0077",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			parties, err := s.Resolve(cli.Flag(command, "by"), cli.Flag(command, "farmer"), cli.Flag(command, "seller"),
				cli.Flag(command, "registry"))
			if err != nil {
				return err
			}
			purpose, amount, until, err := openingOf(ctx, command, s, "amount")
			if err != nil {
				return err
			}
			named, err := s.MoneyNamed(ctx, purpose)
			if err != nil {
				return err
			}
			// Its hash alone: the log is read by auditors, and an animal's number leads to its owner.
			subject := sha256.Sum256([]byte(cli.Flag(command, "subject")))
			receipt, err := s.Create(ctx, wallet.NewContract{Template: "grant", Name: args[0], By: parties[0],
				Parties: parties, Purpose: purpose, Paid: amount,
				Terms: []token.Value{token.Bytes(subject[:]), token.Int(int64(amount)), token.Int(until.UnixMilli()),
					named}})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.grant-waits", "name", args[0], "amount", amount.Format(),
					"registry", cli.Flag(command, "registry")))
		}),
	}
	requireFlags(command, [2]string{"by", "the treasury's wallet"}, [2]string{"farmer", "for whom"},
		[2]string{"seller", "who is paid"},
		[2]string{"registry", "whose signature certifies"}, [2]string{"amount", "tenge"},
		[2]string{"subject", "what is certified, such as the animal's number; only its hash is stored"})
	command.Flags().String("purpose", "", "the marked money it is paid in (default: plain)")
	command.Flags().String("for", "90d",
		"after which it returns to the treasury: a span, a date, or the next day of the calendar (\"each 1st\")")
	return command
}

// maxCertificate bounds a certificate's file, in bytes.
const maxCertificate = 16 << 10

// certificate is a registry's word.
type certificate struct {
	Contract  token.WalletID  `json:"contract"`
	Document  token.Hash      `json:"document"` // SHA-256 of the certificate itself
	Signature token.Signature `json:"signature"`
}

// newGrantCertify makes "grant certify". It signs and sends nothing: whoever has the certificate brings it.
func newGrantCertify() *cobra.Command {
	command := &cobra.Command{
		Use: "certify NAME", Short: "Sign, as the registry, that the event has happened; the certificate is printed",
		Args:    cobra.ExactArgs(1),
		Example: "  aqsha grant certify cow-41 --document reregistration.pdf > certificate.json",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			view, err := s.API.Contract(ctx, ids[0], 0)
			if err != nil {
				return err
			}
			// By name and form, before anything is signed: the digest is built from this contract's terms, and a
			// signature over those of another kind could mean something else there.
			if view.Name != "grant" || len(view.Parties) != 4 || len(view.Terms) < 3 || len(view.Terms[0].Text) != 32 {
				return cli.Usage(fmt.Errorf("%s is no grant", args[0]))
			}
			registry := s.Keyring.NameOf(view.Parties[3])
			if key := cli.Flag(command, "key"); key != "" {
				registry = key
			}
			key, err := s.Keyring.Key(registry)
			if err != nil {
				return err
			}
			document, err := session.DocumentOf(command)
			if err != nil {
				return err
			}
			out := certificate{Contract: ids[0], Document: *document}
			if out.Signature, err = key.Sign(wallet.CertificateDigest(s.Network, ids[0],
				token.Hash([]byte(view.Terms[0].Text)), *document)); err != nil {
				return err
			}
			return cli.ShowJSON(command, out)
		}),
	}
	requireFlags(command, [2]string{"document", "the certificate: a file whose SHA-256 is signed, or the hash"})
	command.Flags().String("key", "", "the registry's key (default: that of its wallet)")
	return command
}

// newGrantRelease makes "grant release". The certificate is checked by the contract, not here: a wrong one is refused
// and changes nothing.
func newGrantRelease() *cobra.Command {
	command := &cobra.Command{
		Use: "release NAME CERTIFICATE", Short: "Bring a certificate, as anybody: the seller is paid",
		Args:    cobra.ExactArgs(2),
		Example: "  aqsha grant release cow-41 certificate.json --by ranch",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0], cli.Flag(command, "by"))
			if err != nil {
				return err
			}
			data, err := cli.ReadLimited(args[1], maxCertificate)
			if err != nil {
				return err
			}
			var c certificate
			if err := json.Unmarshal(data, &c); err != nil {
				return cli.Usage(fmt.Errorf("%s: no certificate: %w", args[1], err))
			}
			receipt, err := s.Call(ctx, wallet.Call{Contract: ids[0], By: ids[1], Action: "release",
				Document: &c.Document, Args: []token.Value{token.Bytes(c.Signature[:])}})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.released", "name", args[0]))
		}),
	}
	requireFlags(command, [2]string{"by", "the wallet that brings it"})
	return command
}

// newGrantWork makes "grant work". Terms are, in the template's order: the price, the end, and the money's name.
func newGrantWork() *cobra.Command {
	command := &cobra.Command{
		Use: "work NAME", Short: "Order works, as their buyer: the price waits for acceptance",
		Args: cobra.ExactArgs(1),
		Example: "  aqsha grant work bridge --buyer prime --supplier bridges --arbiter court --purpose railway " +
			"--price 5000000",
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			parties, err := s.Resolve(cli.Flag(command, "buyer"), cli.Flag(command, "supplier"),
				cli.Flag(command, "arbiter"))
			if err != nil {
				return err
			}
			purpose, price, until, err := openingOf(ctx, command, s, "price")
			if err != nil {
				return err
			}
			// The contract says of which marked money it is, so that the supplier is not paid in money that he cannot
			// spend.
			named, err := s.MoneyNamed(ctx, purpose)
			if err != nil {
				return err
			}
			receipt, err := s.Create(ctx, wallet.NewContract{Template: "work", Name: args[0], By: parties[0],
				Parties: parties, Purpose: purpose, Paid: price,
				Terms: []token.Value{token.Int(int64(price)), token.Int(until.UnixMilli()), named}})
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.work-waits", "name", args[0], "amount", price.Format(), "buyer",
					cli.Flag(command, "buyer")))
		}),
	}
	requireFlags(command, [2]string{"buyer", "who pays"}, [2]string{"supplier", "who works"},
		[2]string{"arbiter", "who decides instead of the buyer"}, [2]string{"price", "tenge"})
	command.Flags().String("purpose", "", "the marked money it is paid in (default: plain)")
	command.Flags().String("for", "365d",
		"after which it returns to the buyer: a span, a date, or the next day of the calendar (\"each 1st\")")
	return command
}

// newGrantWhere makes "grant where". It reads the whole log, for which it needs an access that may, and takes time in
// proportion to it.
func newGrantWhere() *cobra.Command {
	return &cobra.Command{
		Use: "where PURPOSE", Short: "Say where every tenge of a purpose lies now, and where it left the purpose",
		Args: cobra.ExactArgs(1), Example: "  aqsha grant where railway --json",
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			p, err := s.Purpose(ctx, args[0])
			if err != nil {
				return err
			}
			g, err := readGraph(ctx, command, s)
			if err != nil {
				return err
			}
			t := g.Earmarked(p.Number, trace.Options{Forwards: 1})
			result := whereResult{Purpose: p.Name, Entered: p.Entered, Left: p.Left, Live: p.Live,
				Places: []trace.Place{}}
			for _, place := range t.Places {
				if place.Purpose == p.Number {
					result.Places = append(result.Places, place)
				}
			}
			for _, f := range t.Flows {
				// Where money lost the mark it left the purpose: from there on nobody answers for it.
				if f.Purpose != p.Number && g.Carried(f, p.Number) {
					result.Freed = append(result.Freed, f)
				}
			}
			return cli.Show(command, result, func(w io.Writer) {
				describeWhere(w, cli.LanguageFor(command), s.WalletName, result)
			})
		}),
	}
}

// whereResult is what where prints.
type whereResult struct {
	Purpose string        `json:"purpose"`
	Entered money.Tiyn    `json:"entered"`
	Left    money.Tiyn    `json:"left"`
	Live    money.Tiyn    `json:"live"`
	Places  []trace.Place `json:"places"`
	Freed   []trace.Flow  `json:"freed"` // payments by which it left the purpose
}

// describeWhere says where a purpose's money is; nameOf is what the reader calls a wallet.
func describeWhere(w io.Writer, l words.Language, nameOf func(token.WalletID) string, r whereResult) {
	fmt.Fprintln(w, l.Text("result.where", "purpose", terminal.Plain(r.Purpose), "entered", r.Entered.Format(), "left",
		r.Left.Format(), "live", r.Live.Format()))
	for _, p := range r.Places {
		fmt.Fprintln(w, " ", l.Text("result.where-holds", "name", terminal.Plain(nameOf(p.Wallet)), "amount",
			p.Amount.Format()))
	}
	for _, f := range r.Freed {
		fmt.Fprintln(w, " ", l.Text("result.where-freed", "to", terminal.Plain(nameOf(f.To)), "amount",
			f.Amount.Format(),
			"from", terminal.Plain(nameOf(f.From))))
	}
}
