package cashcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

func addOfficeFlag(command *cobra.Command) {
	command.PersistentFlags().String("office", "./aqsha-office", "folder of the cash office: keys, journal, public log")
}

func newCashKeysCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "keys", Short: "Keysets of a cash office: the plates from which its notes are made",
		Long: `A keyset is one key per denomination. It is announced on the ledger before it is used: an office
neither serves nor accepts one that is not, so that nobody can be given keys of his own by which to be recognised.`,
	}
	addOfficeFlag(command)
	command.AddCommand(newCashKeysNew(), newCashKeysAnnounce(), newCashKeysList(), newCashKeysRetire())
	return command
}

// newCashKeysNew makes "cash keys new". Until the keyset is announced nothing serves it: a crash leaves one that was
// never used.
func newCashKeysNew() *cobra.Command {
	command := &cobra.Command{
		Use: "new", Short: "Make a keyset",
		Long: `Makes a keyset that signs for --months and is redeemed for --redeem-months more. Its secret lies in the office's folder,
readable by its owner only. --denominations binary is for wallets that split only by powers of two.`,
		Example: "  aqsha cash keys new\n  aqsha cash keys new --months 6 --redeem-months 24 --denominations binary",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			months, _ := command.Flags().GetInt("months")
			redeem, _ := command.Flags().GetInt("redeem-months")
			if months < 1 || redeem < 1 || months > 1200 || redeem > 1200 {
				return cli.Usage(errors.New("--months and --redeem-months are 1 to 1200"))
			}
			var amounts []money.Tiyn
			switch text := cli.Flag(command, "denominations"); text {
			case "1-2-5":
				amounts = cash.OneTwoFive()
			case "binary":
				amounts = cash.Binary()
			default:
				return cli.Usage(fmt.Errorf("--denominations %q: want 1-2-5 or binary", text))
			}
			var secret [32]byte
			if _, err := rand.Read(secret[:]); err != nil {
				return err
			}
			now := time.Now().UTC()
			until := now.AddDate(0, months, 0)
			key, err := office.NewKey(secret, amounts, uint64(now.Unix()), uint64(until.Unix()),
				uint64(until.AddDate(0, redeem, 0).Unix()))
			if err != nil {
				return err
			}
			if err := durable.Folder(vfs.OS, cli.Flag(command, "office")); err != nil {
				return err
			}
			// Added under the file's lock and never replaced: notes of earlier keysets circulate until their redemption
			// ends, and a secret that is gone makes them worthless.
			err = office.UpdateKeys(vfs.OS, cli.Flag(command, "office"),
				func(list []office.KeyFile) ([]office.KeyFile, error) { return append(list, key), nil })
			if err != nil {
				return err
			}
			return cli.Show(command, keyView(&key), func(out io.Writer) {
				fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.keyset", "id", key.ID, "count", len(key.Amounts)))
			})
		},
	}
	command.Flags().Int("months", 6, "how long it signs")
	command.Flags().Int("redeem-months", 24, "how long its notes are redeemed after that")
	command.Flags().String("denominations", "1-2-5", "1-2-5 (tiyn to 20,000 tenge) or binary")
	return command
}

// keyView is a keyset without its secret.
func keyView(k *office.KeyFile) map[string]any {
	return map[string]any{"id": k.ID, "amounts": k.Amounts, "from": k.From, "until": k.Until, "expiry": k.Expiry,
		"announcement": k.Announcement, "retired": k.Retired}
}

func newCashKeysAnnounce() *cobra.Command {
	return &cobra.Command{
		Use: "announce RESERVE", Short: "Announce the office's keysets on the ledger, in the issue set's name",
		Long: `Writes each keyset that is not announced yet into the ledger: its id, unit, denominations and times,
the wallet that backs its notes, and the origin and key of the office's public log. The issue set signs, m of n as for
an emission; --out FILE writes a draft for whoever has the other keys. The first announcement opens RESERVE, a name
that no wallet has yet: a wallet of the ledger whose key is made here and is the office's: it alone pays from it,
within the policy's cap of a day, and only the issue set, after the re-key delay, gives it another key or closes it.
A running office serves a new keyset from the next block of its log on.`,
		Example: "  aqsha cash keys announce reserve", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(announceKeysets),
	}
}

// announceKeysets announces each keyset that is not yet, one after the other, under the lock of the keys' file: two
// such commands at once would announce one twice. With a draft it stops after the first: whoever has the other keys
// signs that one, and the next takes the number after it.
func announceKeysets(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	dir := cli.Flag(command, "office")
	signer, public, err := logSigner(dir)
	if err != nil {
		return err
	}
	done := []map[string]any{}
	var drafted error // written for other keys: it is known by its id before they have signed
	err = office.UpdateKeys(vfs.OS, dir, func(list []office.KeyFile) ([]office.KeyFile, error) {
		before := announcedOf(list)
		for i := range list {
			if drafted != nil || list[i].Announcement != "" || list[i].Retired {
				continue
			}
			k := &list[i]
			body := token.AnnounceKeyset{Keyset: token.KeysetID(k.ID), Unit: cash.Unit, Denominations: k.Amounts,
				From: k.From, Until: k.Until, Expiry: k.Expiry,
				Origin: signer.Name(), LogKey: public}
			receipt, err := announceKeyset(ctx, s, args[0], body)
			if errors.Is(err, wallet.ErrDrafted) {
				drafted = err
			} else if err != nil {
				return nil, err
			}
			k.Announcement = receipt.ID.String()
			done = append(done, keyView(k))
		}
		// An office numbers its keysets in the order of this file: one announced later comes behind those that were
		// before.
		slices.SortStableFunc(list, func(a, b office.KeyFile) int {
			return rank(&a, before) - rank(&b, before)
		})
		return list, nil
	})
	if err = errors.Join(err, drafted); err != nil {
		return err
	}
	return cli.Show(command, map[string]any{"announced": done}, func(out io.Writer) {
		l := cli.LanguageFor(command)
		for _, k := range done {
			fmt.Fprintln(out, l.Text("cash.keyset-announced", "id", k["id"], "transaction", k["announcement"]))
		}
		if len(done) > 0 {
			fmt.Fprintln(out, l.Text("cash.keyset-served"))
		}
		if len(done) == 0 {
			fmt.Fprintln(out, l.Text("cash.keysets-announced"))
		}
	})
}

// announcedOf are the keysets that were announced.
func announcedOf(list []office.KeyFile) map[cash.KeysetID]bool {
	before := map[cash.KeysetID]bool{}
	for i := range list {
		before[list[i].ID] = list[i].Announcement != ""
	}
	return before
}

// rank is where a keyset belongs in the file: those announced before first, then those announced now.
func rank(k *office.KeyFile, before map[cash.KeysetID]bool) int {
	switch {
	case before[k.ID]:
		return 0
	case k.Announcement != "":
		return 1
	}
	return 2
}

// announceKeyset announces a keyset for the reserve of a name, which it opens if nothing bears that name.
func announceKeyset(ctx context.Context, s *session.Session, reserve string, body token.AnnounceKeyset) (node.Receipt,
	error) {
	if s.Client.Keyring.Fresh(reserve) == nil {
		return s.Client.OpenReserve(ctx, reserve, body)
	}
	ids, err := s.Resolve(reserve)
	if err != nil {
		return node.Receipt{}, err
	}
	authority, err := s.API.Authority(ctx)
	if err != nil {
		return node.Receipt{}, err
	}
	if authority.Reserve(ids[0]) == nil {
		return node.Receipt{}, cli.Usage(fmt.Errorf("%s is a wallet that backs no banknotes: name this office's "+
			"reserve, or a name that no wallet has, under which a reserve is opened", reserve))
	}
	body.Reserve = ids[0]
	return s.Client.Announce(ctx, body)
}

func newCashKeysList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the office's keysets", Example: "  aqsha cash keys list --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			list, err := office.ReadKeys(vfs.OS, cli.Flag(command, "office"))
			if err != nil {
				return err
			}
			views := []map[string]any{}
			for i := range list {
				views = append(views, keyView(&list[i]))
			}
			return cli.Show(command, views, func(out io.Writer) {
				l := cli.LanguageFor(command)
				for i := range list {
					k := &list[i]
					state := l.Text("cash.keyset-unannounced")
					if k.Announcement != "" {
						state = l.Text("cash.keyset-by", "transaction", k.Announcement)
					}
					// Beside its announcement: a retired keyset is redeemed on, and stays announced.
					if k.Retired {
						state = l.Text("cash.keyset-retired", "state", state)
					}
					fmt.Fprintln(out, l.Text("cash.keyset-line", "id", k.ID, "until", day(k.Until), "expiry",
						day(k.Expiry), "state", state))
				}
			})
		},
	}
}

func day(seconds uint64) string { return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02") }

func newCashKeysRetire() *cobra.Command {
	return &cobra.Command{
		Use: "retire KEYSET", Short: "Have a keyset sign nothing more; its notes are redeemed as before",
		Long: `The running office takes it up with the next block of its log, within its --interval. Wallets move to another keyset by themselves.`, Example: "  aqsha cash keys retire 015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			found := false
			err := office.UpdateKeys(vfs.OS, cli.Flag(command, "office"),
				func(list []office.KeyFile) ([]office.KeyFile, error) {
					for i := range list {
						if list[i].ID.String() == args[0] {
							list[i].Retired, found = true, true
						}
					}
					return list, nil
				})
			if err == nil && !found {
				err = cli.Usage(fmt.Errorf("no keyset %s in %s", args[0], cli.Flag(command, "office")))
			}
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]string{"retired": args[0]}, func(out io.Writer) {
				fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.keyset-ends", "id", args[0]))
			})
		},
	}
}
