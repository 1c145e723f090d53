package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	cashlog "github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// cashCheck is what reading a cash log from its beginning came to.
type cashCheck struct {
	Origin      string       `json:"origin"`
	Size        uint64       `json:"size"`
	Root        txlog.Hash   `json:"root"`
	Key         string       `json:"key"` // that signed the checkpoint
	Blocks      uint64       `json:"blocks"`
	Notes       uint64       `json:"notes_verified"`
	Circulating money.Tiyn   `json:"circulating"`
	Reserve     cash.Reserve `json:"reserve"`
	Wallet      string       `json:"reserve_wallet"`
	Keysets     []cashShelf  `json:"keysets"`
	Ledger      *ledgerCheck `json:"ledger,omitempty"` // where it was held against its ledger
	Unverified  []string     `json:"unverified"`       // what this check does not show

	first      uint64 // the ledger's time in its first block
	last       cashlog.Header
	shelves    []*cashlog.Shelf
	checkpoint string
}

type cashShelf struct {
	ID           string          `json:"id"`
	Announcement string          `json:"announcement"`
	Until        uint64          `json:"signs_until"`
	Expiry       uint64          `json:"expiry"`
	Counts       []cashlog.Count `json:"counts"`
	WrittenOff   money.Tiyn      `json:"written_off"` // of its notes that never came back, once its time was over
}

// checkCashLog reads a log at a mint's URL or in a directory. key, if not empty, is the verifier key that its
// checkpoint must have.
func checkCashLog(ctx context.Context, place, key string, against *heldAgainst,
	watch func(*cashlog.Block)) (c cashCheck, err error) {
	var checkpoint []byte
	var entries iter.Seq2[[]byte, error]
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		checkpoint, entries, key, err = servedCashLog(ctx, place, key)
	} else {
		checkpoint, entries, key, err = storedCashLog(place, key)
	}
	if err != nil {
		return c, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return c, cli.Usage(fmt.Errorf("--key: %w", err))
	}
	stated, _, err := txlog.OpenCheckpoint(checkpoint, verifier.Name(), note.VerifierList(verifier))
	if err != nil {
		return c, err
	}
	var tree txlog.Tree
	var reader cashlog.Reader
	checker := &cashlog.Checker{Watch: watch}
	for entry, err := range entries {
		if err != nil {
			return c, err
		}
		if tree.Size() == stated.Size {
			break // what was written since the checkpoint
		}
		tree.Add(txlog.LeafHash(entry))
		if against != nil {
			against.stamped(&tree)
		}
		block, err := reader.Add(entry)
		if err != nil {
			return c, err
		}
		if block != nil {
			if err := checker.Add(block); err != nil {
				return c, err
			}
			if checker.Blocks == 1 {
				c.first = block.Header.LedgerMillis
			}
			if against != nil {
				against.block(block)
			}
		}
	}
	if tree.Size() != stated.Size || tree.Root() != stated.Root {
		return c, &cashlog.CheckError{Block: checker.Blocks,
			Rule: fmt.Sprintf("%d entries have the root %s, the checkpoint says %d and %s", tree.Size(), tree.Root(),
				stated.Size, stated.Root)}
	}
	if reader.Open() {
		return c, &cashlog.CheckError{Block: checker.Blocks, Rule: "is not whole"}
	}
	c = cashCheck{first: c.first, last: checker.Last, shelves: checker.Shelves, checkpoint: string(checkpoint),
		Origin: stated.Origin, Size: stated.Size, Root: stated.Root, Key: key, Blocks: checker.Blocks,
		Notes:      checker.Notes,
		Unverified: []string{}, Circulating: checker.Outstanding(), Reserve: checker.Last.Reserve,
		Wallet: checker.Last.Wallet}
	for _, s := range checker.Shelves {
		shelf := cashShelf{s.ID.String(), s.Announcement, s.Until, s.Expiry, s.Counts, 0}
		if s.WrittenOff {
			shelf.WrittenOff = s.Outstanding()
		}
		c.Keysets = append(c.Keysets, shelf)
	}
	if against != nil && checker.Blocks > 0 {
		held, err := against.check(ctx, &c, &checker.Last)
		if err != nil {
			return c, err
		}
		c.Ledger, c.Unverified = &held, against.unverified(&held, &c)
	}
	if against == nil {
		c.Unverified = []string{"the reserve, the keysets' announcement, and that others see the same log: name the " +
			"ledger's node with --node, or its directory with --data"}
	}
	return c, nil
}

// servedCashLog reads an office's log over HTTP. Without a key the office's own word for it is taken.
func servedCashLog(ctx context.Context, mint, key string) ([]byte, iter.Seq2[[]byte, error], string, error) {
	client, err := apicash.NewClient(mint)
	if err != nil {
		return nil, nil, "", cli.Usage(err)
	}
	if key == "" {
		if key, err = client.LogKey(ctx); err != nil {
			return nil, nil, "", err
		}
	}
	checkpoint, err := client.Log(ctx, "checkpoint")
	if err != nil {
		return nil, nil, "", err
	}
	parsed, err := txlog.ParseSigned(checkpoint)
	if err != nil {
		return nil, nil, "", err
	}
	return checkpoint, func(yield func([]byte, error) bool) {
		for from := uint64(0); from < parsed.Size; from += txlog.TileWidth {
			width := min(parsed.Size-from, txlog.TileWidth)
			bundle, err := client.Log(ctx, txlog.Tile{Level: txlog.EntriesLevel, Index: from / txlog.TileWidth,
				Width: int(width)}.Path())
			if err != nil {
				yield(nil, err)
				return
			}
			for entry, err := range txlog.SplitBundle(bundle) {
				if !yield(entry, err) || err != nil {
					return
				}
			}
		}
	}, key, nil
}

// storedCashLog reads a log's directory, or an office's.
func storedCashLog(dir, key string) ([]byte, iter.Seq2[[]byte, error], string, error) {
	if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
		if key == "" {
			raw, err := cli.ReadLimited(filepath.Join(dir, "log.key"), 1<<12)
			if err != nil {
				return nil, nil, "", err
			}
			key = strings.TrimSpace(string(raw))
		}
		dir = filepath.Join(dir, "log")
	}
	if key == "" {
		return nil, nil, "", cli.Usage(errors.New("name the log's key with --key"))
	}
	stored, err := txlog.OpenStored(vfs.OS, dir)
	if err != nil {
		return nil, nil, "", err
	}
	checkpoint, _, err := stored.Checkpoint()
	if err != nil {
		return nil, nil, "", err
	}
	return checkpoint, func(yield func([]byte, error) bool) {
		for batch, err := range stored.Batches() {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entry := range batch.Entries() {
				if !yield(entry, nil) {
					return
				}
			}
		}
	}, key, nil
}

// VerifyBeside verifies the cash logs of offices beside a ledger's own, for "aqsha verify --cash": each is held
// against the ledger at
// --node, or that of a node which runs on --data.
func VerifyBeside(command *cobra.Command, places []string) (checks []any, describe func(out io.Writer), err error) {
	var list []cashCheck
	for _, place := range places {
		against, err := ledgerAt(command.Context(), command)
		if err != nil {
			return nil, nil, err
		}
		c, err := checkCashLog(command.Context(), strings.TrimRight(place, "/"), "", against, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", place, err)
		}
		list, checks = append(list, c), append(checks, c)
	}
	return checks, func(out io.Writer) {
		for i := range list {
			describeCheck(out, &list[i])
		}
	}, nil
}

// describeCheck says what was verified of a cash log, and what was not.
func describeCheck(out io.Writer, c *cashCheck) {
	said := "Verified"
	if len(c.Unverified) > 0 {
		said = "Verified, but for what is named below"
	}
	fmt.Fprintf(out, said+": cash log %s, %d entries in %d blocks, %d notes\n", terminal.Plain(c.Origin), c.Size,
		c.Blocks, c.Notes)
	fmt.Fprintf(out, "  root %s, signed with %s\n", c.Root, terminal.Plain(c.Key))
	fmt.Fprintf(out, "  reserve %s = %s in notes + %s that waits\n", c.Reserve.Balance().Format(),
		c.Circulating.Format(), c.Reserve.Waiting.Format())
	describeLedger(out, c)
}

func newCashSupplyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "supply [URL|DIR]", Short: "What circulates, by keyset and denomination, beside the reserve",
		Long: `Recounts the office's public log from its beginning, verifying it on the way: notes issued, redeemed
and outstanding, and the reserve's equation: reserve = notes that circulate + paid in and not yet issued or sent back.
URL is a mint's, DIR an office's folder or a copy of its log.`,
		Example: "  aqsha cash supply http://127.0.0.1:8430/cash\n  aqsha cash supply aqsha-office --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := cashLogOf(command, args)
			if err != nil {
				return err
			}
			return cli.Show(command, c, func(out io.Writer) { describeSupply(out, &c) })
		},
	}
	command.Flags().String("key", "",
		"verifier key of the log, from a source that you trust (default: the office's word)")
	return command
}

func newCashVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "verify [URL|DIR]", Short: "Verify a cash office's public log from nothing",
		Long: `Re-derives all that the office states: every block's proofs (each note issued and redeemed was signed
with the announced key), that no note was booked twice, counts, sums and the reserve's equation, and that all of it
stands under the signed checkpoint. It cannot see a note that was signed and never booked: its holder can, who has the
signature.

With the ledger at hand (--node URL, or a node that runs on --data) it also holds the log against it: the reserve, its
keysets, the log's origin and key are those announced; the log's state is on the ledger, not more than an hour old,
and is a beginning of this log, so that no two views of it stand side by side; and the reserve of each block that was
compared is that of the ledger's leaf at its height.

What a check does not show it names, line by line (unverified in --json). Exit code 3: the log is wrong, or the
ledger's reserve lacks what circulates. Exit code 4: nothing is wrong, and the reserve of the newest blocks is not
known to be that of the books: the office closed them without having found both alike.`,
		Example: "  aqsha cash verify http://127.0.0.1:8430/cash\n  aqsha cash verify backup/office --key " +
			"cash.example/log+1f3a…", Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := cashLogOf(command, args)
			if err != nil {
				return err
			}
			err = cli.Show(command, c, func(out io.Writer) { describeCheck(out, &c) })
			if err == nil && c.Ledger != nil && c.Ledger.NotCompared > 0 {
				return cli.ExitWith(cli.ExitUnknown)
			}
			return err
		},
	}
	command.Flags().String("key", "",
		"verifier key of the log, from a source that you trust (default: the office's word)")
	return command
}

func describeLedger(out io.Writer, c *cashCheck) {
	if l := c.Ledger; l != nil {
		fmt.Fprintf(out, "  the ledger announces its %d keysets, has its state of %d entries, and held that reserve "+
			"in %d blocks that were compared\n", l.Keysets, l.StampedSize, l.Compared)
	}
	for _, what := range c.Unverified {
		fmt.Fprintf(out, "  not verified: %s\n", what)
	}
}

func cashLogOf(command *cobra.Command, args []string) (cashCheck, error) {
	place := cli.Flag(command, "mint")
	if len(args) == 1 {
		place = args[0]
	}
	if place == "" {
		return cashCheck{}, cli.Usage(errors.New("name the office: a URL, a folder, or --mint"))
	}
	against, err := ledgerAt(command.Context(), command)
	if err != nil {
		return cashCheck{}, err
	}
	return checkCashLog(command.Context(), strings.TrimRight(place, "/"), cli.Flag(command, "key"), against, nil)
}

func describeSupply(out io.Writer, c *cashCheck) {
	for _, s := range c.Keysets {
		fmt.Fprintf(out, "keyset %s, redeemed until %s\n", s.ID, day(s.Expiry))
		if s.WrittenOff > 0 {
			fmt.Fprintf(out, "  its time is over: %s never came back, and went to the wallet that the policy names\n",
				s.WrittenOff.Format())
		}
		fmt.Fprintf(out, "  %14s %12s %12s %12s %18s\n", "note", "issued", "redeemed", "outstanding", "worth")
		for _, n := range s.Counts {
			if n.Issued+n.Redeemed > 0 {
				fmt.Fprintf(out, "  %14s %12d %12d %12d %18s\n", n.Amount.Format(), n.Issued, n.Redeemed,
					n.Issued-n.Redeemed, n.Outstanding().Format())
			}
		}
	}
	fmt.Fprintf(out, "circulates %s; reserve %s; paid in and waiting %s; being paid out %s\n", c.Circulating.Format(),
		c.Reserve.Balance().Format(),
		c.Reserve.Waiting.Format(), c.Reserve.Owed.Format())
	for _, what := range c.Unverified {
		fmt.Fprintf(out, "not verified: %s\n", what)
	}
}
