package cashcmd

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	cashlog "github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// bookingSeconds is how long after its answer an office may take to book a note: an interval, and a day for one that
// was down.
const bookingSeconds = 86_400

// evidence is what a third person needs to see that an office signed a note and did not book it.
type evidence struct {
	Kind       string        `json:"kind"`
	Origin     string        `json:"origin"`
	LogKey     string        `json:"log_key"`
	Checkpoint string        `json:"checkpoint"` // of the log that lacks the notes, signed by the office
	Reserve    string        `json:"reserve_wallet"`
	Notes      []coin.Issued `json:"notes"`
}

const evidenceKind = "aqsha cash evidence 1"

// booking is what became of one note.
type booking struct {
	Amount cash.Amount `json:"amount"`
	Keyset string      `json:"keyset"`
	B      string      `json:"B_"`
	Block  *uint64     `json:"block,omitempty"` // that booked it
	Time   uint64      `json:"time,omitempty"`
	// Convicts says that the office can have no excuse: the keyset has stopped signing, and the log lacks the note.
	Convicts bool `json:"convicts,omitempty"`
}

func newCashBookedCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "booked TOKEN|- [URL|DIR]",
		Short: "Find a token's notes in the office's public log, or write the evidence that they are not there",
		Long: `Looks for each note of a token in the office's public log, which it verifies on the way: the note's
signature, with the proof that the office made it, stands in the block that booked it. The notes must come with their
proofs and blinding factors, as this wallet sends them.

A note that the office has signed and not booked is evidence against it: --evidence FILE writes what a third person
needs, without what spends the note, and --check FILE is what the third person does. A proof says that the office
signed, not when: the evidence is complete once the keyset has stopped signing; before that the office can say that it
signed a moment ago, and has a day to book. Exit code 3 says that a note is not booked.`,
		Example: "  aqsha cash booked cashuB... http://127.0.0.1:8430/cash --evidence unbooked.json\n  aqsha cash " +
			"booked --check unbooked.json http://127.0.0.1:8430/cash",
		Args: cobra.RangeArgs(0, 2),
		RunE: func(command *cobra.Command, args []string) error {
			if file := cli.Flag(command, "check"); file != "" {
				return checkEvidence(command, file, args)
			}
			if len(args) == 0 {
				return cli.Usage(errors.New("name a token, or a file of evidence with --check"))
			}
			return lookForNotes(command, args)
		},
	}
	command.Flags().String("key", "",
		"verifier key of the log, from a source that you trust (default: the office's word)")
	command.Flags().String("evidence", "", "file to write with what shows that the office signed what it did not book")
	command.Flags().String("check", "", "file of evidence to check against the office's log")
	return command
}

func lookForNotes(command *cobra.Command, args []string) error {
	t, err := readToken(command, args[0])
	if err != nil {
		return err
	}
	place := t.Mint
	if len(args) == 2 {
		place = args[1]
	}
	found, c, err := bookings(command.Context(), place, cli.Flag(command, "key"))
	if err != nil {
		return err
	}
	var notes []coin.Issued
	for i := range t.Proofs {
		set := c.keyset(t.Proofs[i].ID)
		if set == nil {
			return &cashlog.CheckError{Block: c.Blocks, Rule: "the log has no keyset " + terminal.Plain(t.Proofs[i].ID)}
		}
		t.Proofs[i].ID = set.ID.String()
		issued, err := coin.IssuedOf(set, t.Proofs[i])
		if err != nil {
			return fmt.Errorf("note %d: %w", i, err)
		}
		notes = append(notes, issued)
	}
	list, missing, err := c.judge(found, notes)
	if err != nil {
		return err
	}
	if file := cli.Flag(command, "evidence"); file != "" && len(missing) > 0 {
		raw, err := json.MarshalIndent(evidence{evidenceKind, c.Origin, c.Key, c.checkpoint, c.Wallet, missing}, "",
			"  ")
		if err != nil {
			return err
		}
		if err := durable.Create(vfs.OS, file, append(raw, '\n')); err != nil {
			return err
		}
	}
	return showBookings(command, list, len(missing))
}

func checkEvidence(command *cobra.Command, file string, args []string) error {
	raw, err := cli.ReadLimited(file, 1<<20)
	if err != nil {
		return err
	}
	var e evidence
	if err := json.Unmarshal(raw, &e); err != nil || e.Kind != evidenceKind || len(e.Notes) == 0 {
		return cli.Usage(fmt.Errorf("%s is no evidence of a cash office", file))
	}
	place := cli.Flag(command, "mint")
	if len(args) == 1 {
		place = args[0]
	}
	if place == "" {
		return cli.Usage(errors.New("name the office's log: a URL or a folder"))
	}
	found, c, err := bookings(command.Context(), place, e.LogKey)
	if err != nil {
		return err
	}
	if c.Wallet != e.Reserve || c.Origin != e.Origin {
		return cli.Usage(fmt.Errorf("the evidence is about the log %s, this is %s", terminal.Plain(e.Origin),
			terminal.Plain(c.Origin)))
	}
	list, missing, err := c.judge(found, e.Notes)
	if err != nil {
		return err
	}
	return showBookings(command, list, len(missing))
}

// booked is where a note was booked.
type booked struct{ block, time uint64 }

// bookings verifies a log and notes where each issued note stands, by B.
func bookings(ctx context.Context, place, key string) (map[string]booked, *cashCheck, error) {
	found := map[string]booked{}
	c, err := checkCashLog(ctx, strings.TrimRight(place, "/"), key, nil, func(b *cashlog.Block) {
		for i := range b.Issued {
			for j := range b.Issued[i] {
				found[hex.EncodeToString(b.Issued[i][j][:])] = booked{b.Header.Number, b.Header.Time}
			}
		}
	})
	return found, &c, err
}

// shortID is how many digits of a keyset's id a token has (NUT-00, version 4).
const shortID = 16

// keyset finds a keyset by its id, or by the beginning of it that a token has, if that is of one alone.
func (c *cashCheck) keyset(id string) (found *cash.Keyset) {
	for _, s := range c.shelves {
		switch full := s.ID.String(); {
		case full == id:
			return &s.Keyset
		case len(id) != shortID || !strings.HasPrefix(full, id):
		case found != nil:
			return nil
		default:
			found = &s.Keyset
		}
	}
	return found
}

// judge finds notes in the log. Each was signed by the office, or is refused.
func (c *cashCheck) judge(found map[string]booked, notes []coin.Issued) (list []booking, missing []coin.Issued,
	err error) {
	for i := range notes {
		n := &notes[i]
		set := c.keyset(n.Keyset)
		if set == nil {
			return nil, nil, &cashlog.CheckError{Block: c.Blocks, Rule: "the log has no keyset " +
				terminal.Plain(n.Keyset)}
		}
		if _, err := n.Check(set); err != nil {
			return nil, nil, fmt.Errorf("note %d: %w", i, err)
		}
		b := booking{Amount: n.Amount, Keyset: n.Keyset, B: n.B}
		if at, is := found[n.B+n.C]; is {
			b.Block, b.Time = &at.block, at.time
		} else {
			b.Convicts = c.last.Time >= set.Until+bookingSeconds
			missing = append(missing, *n)
		}
		list = append(list, b)
	}
	return list, missing, nil
}

func showBookings(command *cobra.Command, list []booking, missing int) error {
	err := cli.Show(command, map[string]any{"notes": list, "missing": missing}, func(out io.Writer) {
		for _, b := range list {
			switch {
			case b.Block != nil:
				fmt.Fprintf(out, "%d tiyn: booked in block %d\n", b.Amount, *b.Block)
			case b.Convicts:
				fmt.Fprintf(out, "%d tiyn: signed by the office and NOT BOOKED, though its keyset has stopped "+
					"signing: this convicts the office\n", b.Amount)
			default:
				fmt.Fprintf(out, "%d tiyn: signed by the office and not booked yet; ask again in a day\n", b.Amount)
			}
		}
	})
	if err == nil && missing > 0 {
		return cli.ExitWith(cli.ExitRefused)
	}
	return err
}
