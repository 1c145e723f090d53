package session

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/token"
)

// OnLedger makes a command's function from one that works on a ledger.
func OnLedger(act func(ctx context.Context, command *cobra.Command, s *Session,
	args []string) error) func(*cobra.Command, []string) error {
	return ledgerCommand(false, act)
}

// ReadingLedger makes a command's function from one that only reads a ledger: where no node runs on the directory, it
// needs no secret and no permission to write.
func ReadingLedger(act func(ctx context.Context, command *cobra.Command, s *Session,
	args []string) error) func(*cobra.Command, []string) error {
	return ledgerCommand(true, act)
}

// ledgerCommand runs a command on a session, which is closed whatever becomes of it. reading opens the ledger without
// writing to it, where no node runs on the directory.
func ledgerCommand(reading bool, act func(ctx context.Context, command *cobra.Command, s *Session,
	args []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if out := command.Flags().Lookup("out"); out != nil && out.Changed && out.Value.String() == "" && !reading {
			// A script whose variable is empty must not submit what was to be looked at first.
			return cli.Usage(errors.New("--out: is empty; leave it out or name a file"))
		}
		return WithSession(command, reading, func(ctx context.Context, s *Session) error {
			return act(ctx, command, s.Drafting(command), args)
		})
	}
}

// HashOfFile is the hash under which a document is registered.
func HashOfFile(path string) (token.Hash, error) {
	data, err := cli.ReadLimited(path, 64<<20)
	return sha256.Sum256(data), err
}

// DocumentOf reads --document: a file's hash, or a hash.
func DocumentOf(command *cobra.Command) (*token.Hash, error) {
	text := cli.Flag(command, "document")
	if text == "" {
		return nil, nil
	}
	var h token.Hash
	if h.UnmarshalText([]byte(text)) == nil {
		return &h, nil
	}
	h, err := HashOfFile(text)
	return &h, err
}
