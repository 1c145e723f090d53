package standing

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// Who signs on the ledger, and whether: what banks, agencies and the authority's sets have in common.

// Suspensions are "NOUN suspend" and "NOUN reinstate". short says what a suspension does. Both can be repeated; the
// words of their results stand under "standing.NOUN-…".
func Suspensions(noun, example, short string, suspend func(d *wallet.Client, ctx context.Context, id token.WalletID,
	suspended bool) (node.Receipt, error)) []*cobra.Command {
	verb := func(use, short string, suspended bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " " + strings.ToUpper(noun), Short: short,
			Example: "  aqsha " + noun + " " + use + " " + example, Args: cobra.ExactArgs(1),
			RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
				args []string) error {
				ids, err := s.Resolve(args...)
				if err != nil {
					return err
				}
				receipt, err := suspend(s.Client, ctx, ids[0], suspended)
				l := cli.LanguageFor(command)
				if suspended {
					return session.ShowDone(command, receipt, err,
						l.Text("standing."+noun+"-suspended", "name", args[0]))
				}
				return session.ShowDone(command, receipt, err, l.Text("standing."+noun+"-active", "name", args[0]))
			}),
		}
	}
	return []*cobra.Command{verb("suspend", short, true), verb("reinstate", "End a suspension", false)}
}

// StateText says whether somebody of the ledger may act.
func StateText(l words.Language, suspended bool) string {
	if suspended {
		return l.Text("result.state-suspended")
	}
	return l.Text("result.state-active")
}

// KeySet makes a set of keys that are named, or given as public keys, with the threshold of a command's flag.
func KeySet(s *session.Session, command *cobra.Command, names []string) (keys token.KeySet, err error) {
	keys.Threshold, _ = command.Flags().GetUint8("threshold")
	for _, name := range names {
		public, err := s.PublicKey(name)
		if err != nil {
			return keys, err
		}
		keys.Keys = append(keys.Keys, public)
	}
	return keys, nil
}

// RenewCommand is "NOUN renew", which gives somebody of the ledger other keys.
func RenewCommand(noun, example string, renew func(d *wallet.Client, ctx context.Context, id token.WalletID,
	keys token.KeySet) (node.Receipt, error)) *cobra.Command {
	command := &cobra.Command{
		Use:     "renew " + strings.ToUpper(noun) + " KEYNAME…",
		Short:   "Replace the keys that sign for it: the policy set signs, the new keys prove possession",
		Example: example, Args: cobra.MinimumNArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			keys, err := KeySet(s, command, args[1:])
			if err != nil {
				return err
			}
			receipt, err := renew(s.Client, ctx, ids[0], keys)
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Text("standing."+noun+"-renewed",
				"name",
				args[0], "needed", keys.Threshold, "keys", len(keys.Keys)))
		}),
	}
	command.Flags().Uint8("threshold", 1, "how many must sign")
	return command
}

// KeysText says how many keys of a set must sign, SinceText since when it stands.
func KeysText(l words.Language, keys token.KeySet) string {
	return l.Text("result.keys-of", "needed", keys.Threshold, "all", len(keys.Keys))
}

// SinceText is the day since which an institution is admitted.
func SinceText(millis uint64) string { return terminal.Day(millis) }
