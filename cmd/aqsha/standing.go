package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Who signs on the ledger, and whether: what banks, agencies and the authority's sets have in common.

// suspensions are "NOUN suspend" and "NOUN reinstate". short says what a suspension does.
func suspensions(noun, example, short string, suspend func(d *wallet.Desk, ctx context.Context, id token.WalletID, suspended bool) (node.Receipt, error)) []*cobra.Command {
	verb := func(use, short string, suspended bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " " + strings.ToUpper(noun), Short: short, Example: "  aqsha " + noun + " " + use + " " + example, Args: cobra.ExactArgs(1),
			RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
				ids, err := s.resolve(args...)
				if err != nil {
					return err
				}
				receipt, err := suspend(s.Desk, ctx, ids[0], suspended)
				return showReceipt(command, receipt, err, "%s %s: %s\n", noun, args[0], stateText(suspended))
			}),
		}
	}
	return []*cobra.Command{verb("suspend", short, true), verb("reinstate", "End a suspension", false)}
}

// stateText says whether somebody of the ledger may act.
func stateText(suspended bool) string {
	if suspended {
		return "suspended"
	}
	return "active"
}

// keySet makes a set of keys that are named, or given as public keys, with the threshold of a command's flag.
func (s *session) keySet(command *cobra.Command, names []string) (keys token.KeySet, err error) {
	keys.Threshold, _ = command.Flags().GetUint8("threshold")
	for _, name := range names {
		public, err := s.publicKey(name)
		if err != nil {
			return keys, err
		}
		keys.Keys = append(keys.Keys, public)
	}
	return keys, nil
}

// renewCommand is "NOUN renew", which gives somebody of the ledger other keys.
func renewCommand(noun, example string, renew func(d *wallet.Desk, ctx context.Context, id token.WalletID, keys token.KeySet) (node.Receipt, error)) *cobra.Command {
	command := &cobra.Command{
		Use: "renew " + strings.ToUpper(noun) + " KEYNAME…", Short: "Replace the keys that sign for it: the policy set signs, the new keys prove possession",
		Example: example, Args: cobra.MinimumNArgs(2),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			keys, err := s.keySet(command, args[1:])
			if err != nil {
				return err
			}
			receipt, err := renew(s.Desk, ctx, ids[0], keys)
			return showReceipt(command, receipt, err, "%s %s signs with other keys now: %s\n", noun, args[0], keysText(keys))
		}),
	}
	command.Flags().Uint8("threshold", 1, "how many must sign")
	return command
}

// keysText says how many keys of a set must sign, sinceText since when it stands.
func keysText(keys token.KeySet) string {
	return fmt.Sprintf("%d of %d", keys.Threshold, len(keys.Keys))
}

func sinceText(millis uint64) string { return time.UnixMilli(int64(millis)).Format(time.DateOnly) }

// publicKey reads a public key ("ed25519:…"), or the name of a key that is here, made if need be.
func (s *session) publicKey(text string) (token.PublicKey, error) {
	var public token.PublicKey
	if public.UnmarshalText([]byte(text)) == nil && public != token.NoKey {
		return public, nil
	}
	key, err := s.Book.KeyOrNew(text)
	if err != nil {
		return public, err
	}
	return key.Public(), nil
}
