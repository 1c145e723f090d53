package pursecmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/purse"
)

func newOpenersCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "openers", Short: "Sealed names of purses' owners: the openers' key, and opening a name together",
		Long: `Whoever opens a purse has his name sealed for a court, under a key that several openers hold
together. They make it in two rounds: each makes a key ("key") and shows its point; each deals to all ("deal"),
and joins all dealings ("join"), which prints the joint key; the authority announces it. Who asks for a name
makes a request ("ask"), so many openers as it takes answer with a share each ("share"), anybody brings them to
the ledger ("open"), where the opening is counted in public, and only who asked reads the name ("read").`,
	}
	command.AddCommand(newOpenerKeyCommand(), newDealCommand(), newJoinCommand(), newAnnounceOpenersCommand(),
		newAskCommand(), newShareCommand(), newOpenNameCommand(), newReadNameCommand())
	session.ChangesLedger(command, "announce")
	return command
}

// saveSecret writes a secret to a new file, before anything that rests on it is shown.
func saveSecret(path string, secret *sealed.Secret) error {
	err := durable.Create(vfs.OS, path, []byte(secret.Bytes().String()+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return cli.Usage(fmt.Errorf("%s exists already, and a key is never overwritten: name another file", path))
	}
	return err
}

// readSecret reads a key's file: 64 hexadecimal digits.
func readSecret(path string) (*sealed.Secret, error) {
	text, err := cli.ReadLimited(path, 256)
	if err != nil {
		return nil, err
	}
	var b token.Hash
	if err := b.UnmarshalText([]byte(strings.TrimSpace(string(text)))); err != nil {
		return nil, cli.Usage(fmt.Errorf("%s is no opener's or asker's key: %w", path, err))
	}
	return sealed.SecretOf(b)
}

// printText prints a message that another is to have.
func printText(command *cobra.Command, name, text string) error {
	return cli.Show(command, map[string]any{name: text}, func(w io.Writer) { fmt.Fprintln(w, text) })
}

func newOpenerKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key FILE", Short: "Make an opener's key in a new file, and print its point",
		Example: "  aqsha purse openers key ./opener.key", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			secret, err := sealed.NewSecret(rand.Reader)
			if err != nil {
				return err
			}
			if err := saveSecret(args[0], secret); err != nil {
				return err
			}
			return printText(command, "point", secret.Public().String())
		},
	}
}

// membersFlag reads the openers' points, in their order.
func membersFlag(command *cobra.Command) (members []sealed.Point, opener int, err error) {
	for _, text := range strings.Split(cli.Flag(command, "members"), ",") {
		var p sealed.Point
		if err := p.UnmarshalText([]byte(strings.TrimSpace(text))); err != nil {
			return nil, 0, cli.Usage(fmt.Errorf("--members: %w", err))
		}
		members = append(members, p)
	}
	opener, err = command.Flags().GetInt("opener")
	if err == nil && (opener < 1 || opener > len(members)) {
		err = cli.Usage(fmt.Errorf("--opener 1 to %d", len(members)))
	}
	return members, opener, err
}

func addMembersFlags(command *cobra.Command) {
	command.Flags().String("members", "", "points of all openers, with commas, in the order that all use")
	command.Flags().Int("opener", 0, "which of them this opener is, from 1")
}

// newDealCommand makes "openers deal". A dealing has a part for each opener, encrypted to his key: it can be shown to
// anybody.
func newDealCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "deal", Short: "Deal a part of the openers' key to all openers, and print the dealing",
		Example: "  aqsha purse openers deal --members P1,P2,P3 --opener 1 --threshold 2", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(_ context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			members, opener, err := membersFlag(command)
			if err != nil {
				return err
			}
			threshold, _ := command.Flags().GetInt("threshold")
			dealing, err := sealed.Deal(rand.Reader, s.Network, uint8(opener), threshold, members)
			if err != nil {
				return err
			}
			return printText(command, "dealing", purse.Text(dealing.Append(nil)))
		}),
	}
	addMembersFlags(command)
	command.Flags().Int("threshold", 2, "how many openers it takes to open a name")
	return command
}

// newJoinCommand makes "openers join". The share's file must be new: one that is there may be of the key in force.
func newJoinCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "join DEALING…",
		Short: "Put all openers' dealings together: keep this opener's share, print the joint key",
		Long: `Dealings in the openers' order. A dealing that does not fit is refused with its dealer's number.
All openers compare the key that is printed before the authority announces it.`,
		Example: "  aqsha purse openers join D1 D2 D3 --members P1,P2,P3 --opener 1 --key ./opener.key --share ./share.key",
		Args:    cobra.RangeArgs(1, sealed.MaxOpeners),
		RunE: session.ReadingLedger(func(_ context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			members, opener, err := membersFlag(command)
			if err != nil {
				return err
			}
			own, err := readSecret(cli.Flag(command, "key"))
			if err != nil {
				return err
			}
			var dealings []*sealed.Dealing
			for _, text := range args {
				dealing, err := fromText(text, sealed.DecodeDealing)
				if err != nil {
					return err
				}
				dealings = append(dealings, dealing)
			}
			key, share, err := sealed.Join(s.Network, members, uint8(opener), own, dealings)
			if err != nil {
				return err
			}
			// On disk before the key is printed: once it is announced, names are sealed under it, and a lost share
			// brings all nearer to a name that nobody can open.
			if err := saveSecret(cli.Flag(command, "share"), share); err != nil {
				return err
			}
			return printText(command, "key", purse.Text(key.Append(nil)))
		}),
	}
	addMembersFlags(command)
	command.Flags().String("key", "./opener.key", "file of this opener's key")
	command.Flags().String("share", "./opener.share", "new file for this opener's share of the joint key")
	return command
}

func fromText[T any](text string, decode func([]byte) (*T, error)) (*T, error) {
	message, err := purse.FromText(text)
	if err != nil {
		return nil, err
	}
	return decode(message)
}

func newAnnounceOpenersCommand() *cobra.Command {
	return &cobra.Command{
		Use: "announce KEY", Short: "Announce the openers' key: from then on names are sealed under it",
		Example: "  aqsha purse openers announce 8301038158…", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			key, err := fromText(args[0], sealed.DecodeKey)
			if err != nil {
				return err
			}
			receipt, err := s.AnnounceOpeners(ctx, key)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.openers", "threshold", key.Threshold(), "members", key.Members))
		}),
	}
}

// newAskCommand makes "openers ask". The request names the number of the opening, so that shares for it serve no
// other.
func newAskCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "ask PURSE", Short: "Ask for the name of a purse's owner: print the request for the openers",
		Long: `Makes a key of who asks in a new file. A purse that has paid twice needs no --case; any other
a court's, whose hash stands on the ledger.`,
		Example: "  aqsha purse openers ask 6c1f0e52d0a94b7fb1c1f3c5a7d9e2b4 --case 7599-26-00-2/1 --key ./asker.key",
		Args:    cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			id, err := s.WalletOf(args[0])
			if err != nil {
				return err
			}
			view, err := s.API.Purse(ctx, id)
			if err != nil {
				return err
			}
			asker, err := sealed.NewSecret(rand.Reader)
			if err != nil {
				return err
			}
			// Before the request is shown: an opening for a key that is gone is counted for ever and read by nobody.
			if err := saveSecret(cli.Flag(command, "key"), asker); err != nil {
				return err
			}
			request := sealed.Request{Purse: id, Number: uint32(len(view.Openings))}
			if court := cli.Flag(command, "case"); court != "" {
				request.Case = ledger.CaseHash(court)
			}
			signed, err := sealed.NewRequest(rand.Reader, s.Network, request, asker)
			if err != nil {
				return err
			}
			return printText(command, "request", purse.Text(signed.Append(nil)))
		}),
	}
	command.Flags().String("case", "", "the court's case")
	command.Flags().String("key", "./asker.key", "new file for the key of who asks")
	return command
}

// sealOf reads a purse's seal.
func sealOf(ctx context.Context, s *session.Session, id token.WalletID) (*sealed.Seal, error) {
	view, err := s.API.Purse(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(view.Sealed) == 0 {
		return nil, token.Errorf(ledger.NoSeal, "purse", "the name of the owner of purse %s is not sealed", id)
	}
	return sealed.Decode(view.Sealed)
}

func newShareCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "share REQUEST", Short: "Make an opener's share for a request, and print it",
		Long: `An opener looks at the reason first: it says which purse and which case (or that it has paid
twice), and nothing is opened before as many openers as it takes agree.`,
		Example: "  aqsha purse openers share 8604… --opener 1 --share ./share.key", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			request, err := fromText(args[0], sealed.DecodeRequest)
			if err != nil {
				return err
			}
			secret, err := readSecret(cli.Flag(command, "share"))
			if err != nil {
				return err
			}
			// Of the ledger, and not of whoever asks: a request with a seal of its own could have another purse opened.
			seal, err := sealOf(ctx, s, request.Purse)
			if err != nil {
				return err
			}
			opener, _ := command.Flags().GetInt("opener")
			if opener < 1 || opener > sealed.MaxOpeners {
				return cli.Usage(fmt.Errorf("--opener 1 to %d", sealed.MaxOpeners))
			}
			share, err := sealed.NewShare(rand.Reader, s.Network, request, seal, uint8(opener), secret)
			if err != nil {
				return err
			}
			return printText(command, "share", purse.Text(share.Append(nil)))
		}),
	}
	command.Flags().Int("opener", 0, "which of the openers this one is, from 1")
	command.Flags().String("share", "./opener.share", "file of this opener's share of the joint key")
	return command
}

// newOpenNameCommand makes "openers open". It needs nobody's key: what is brought is signed by who asked and who
// answered.
func newOpenNameCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "open REQUEST SHARE…",
		Short:   "Bring a request and the openers' shares to the ledger: the opening is counted",
		Example: "  aqsha purse openers open 8604… 8405… 8405…", Args: cobra.RangeArgs(2, sealed.MaxOpeners+1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			r, err := fromText(args[0], sealed.DecodeRequest)
			if err != nil {
				return err
			}
			t := &token.OpenName{Purse: r.Purse, Number: r.Number, Case: r.Case, Asker: r.Asker, Proof: r.Proof[:]}
			for _, text := range args[1:] {
				share, err := fromText(text, sealed.DecodeShare)
				if err != nil {
					return err
				}
				t.Shares = append(t.Shares,
					token.NameShare{Opener: share.Opener, Point: share.Point, Proof: share.Proof[:]})
			}
			receipt, err := s.Do(ctx, t)
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Text("result.name-open"))
		}),
	}
}

// newReadNameCommand makes "openers read". The name is read here: the asker's key goes nowhere.
func newReadNameCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "read PURSE", Short: "Read the name of a purse's owner with the key that asked for it",
		Example: "  aqsha purse openers read 6c1f0e52d0a94b7fb1c1f3c5a7d9e2b4 --key ./asker.key",
		Args:    cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			id, err := s.WalletOf(args[0])
			if err != nil {
				return err
			}
			asker, err := readSecret(cli.Flag(command, "key"))
			if err != nil {
				return err
			}
			seal, err := sealOf(ctx, s, id)
			if err != nil {
				return err
			}
			all, err := s.API.Purses(ctx)
			if err != nil {
				return err
			}
			// From a node's answer: the number is held to the list before it is an index.
			if seal.KeyNumber == 0 || int(seal.KeyNumber) > len(all.Openers) {
				return token.Errorf(ledger.UnknownOpeners, "sealed", "no openers' key %d", seal.KeyNumber)
			}
			for _, o := range all.Opened {
				if o.Purse == id && o.Asker == asker.Public() {
					name, err := seal.Read(&all.Openers[seal.KeyNumber-1], asker, o.Combined)
					if err != nil {
						return err
					}
					return printText(command, "name", name)
				}
			}
			return token.Errorf(sealed.NotReadable, "key", "no opening of purse %s was asked for by this key", id)
		}),
	}
	command.Flags().String("key", "./asker.key", "file of the key that asked")
	return command
}

func newOpeningsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "openings", Short: "Count the openings of owners' names, and say why each was",
		Example: "  aqsha purse openings", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			view, err := s.API.Purses(ctx)
			if err != nil {
				return err
			}
			result := map[string]any{"openings": view.Openings, "opened": view.Opened, "openers": view.Openers}
			return cli.Show(command, result, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Count("purse.opened", int(view.Openings)))
				for _, o := range view.Opened {
					why := l.Text("purse.opened-twice")
					if o.Case != (token.Hash{}) {
						why = l.Text("purse.opened-case", "case", o.Case)
					}
					fmt.Fprintln(w, "  ", l.Text("purse.opened-line", "id", o.Purse, "at",
						terminal.Moment(o.TimeMillis), "why", why))
				}
			})
		}),
	}
}
