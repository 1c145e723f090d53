package walletcmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// batchOptions are the flags that hold for every row.
func batchOptions(command *cobra.Command) (o wallet.BatchOptions, err error) {
	o = wallet.BatchOptions{Memo: cli.Flag(command, "memo"), MemoFor: cli.Flag(command, "memo-for"),
		Purpose: cli.Flag(command, "purpose"), Earmark: cli.Flag(command, "mark")}
	if len(o.Memo) > token.MaxMemo {
		return o, cli.Usage(fmt.Errorf("--memo: %d bytes, at most %d", len(o.Memo), token.MaxMemo))
	}
	if o.MemoFor != "" {
		if _, err := wallet.EncryptMemo("", o.MemoFor); err != nil {
			return o, cli.Usage(fmt.Errorf("--memo-for: %w", err))
		}
	}
	document, err := session.DocumentOf(command)
	if err == nil && document != nil {
		o.Document = document.String()
	}
	return o, err
}

// notice says something that somebody should know, beside the result.
func notice(command *cobra.Command) func(text string) {
	return func(text string) { fmt.Fprintf(command.ErrOrStderr(), "aqsha: %s\n", text) }
}

// payBatch pays a file's rows and says what became of each.
func payBatch(ctx context.Context, command *cobra.Command, s *session.Session, fromName, path string) error {
	from, err := s.Resolve(fromName)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return cli.Usage(err)
	}
	rows, err := wallet.ReadRows(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return cli.Usage(fmt.Errorf("%s: %w", path, err))
	}
	if len(rows) == 0 {
		return cli.Usage(fmt.Errorf("%s: it has a header and no row to pay", path))
	}
	batch := wallet.Batch{Name: cli.Flag(command, "batch-name"), File: realPath(path), From: from[0], Rows: rows,
		Journal: cli.Flag(command, "journal"), Notice: notice(command)}
	if batch.Journal == "" {
		batch.Journal = path + ".journal"
	}
	// By its real path: the journal is what makes a second run pay nobody twice, and through another link it would not
	// be found.
	batch.Journal = realPath(batch.Journal)
	if batch.Options, err = batchOptions(command); err != nil {
		return err
	}
	batch.OnlyNew, _ = command.Flags().GetBool("only-new")
	bar := cli.Progress(command, len(rows), "paying")
	outcomes, refused := []wallet.Outcome{}, 0
	err = s.PayBatch(ctx, batch, func(o wallet.Outcome) error {
		outcomes = append(outcomes, o)
		if o.Problem != nil {
			refused++
		}
		return bar.Add(1)
	})
	_ = bar.Finish()
	// Cut off. What was paid stands in the journal, and the same command goes on from there.
	if err != nil && len(outcomes) < len(rows) {
		return interrupted(err, len(outcomes), len(rows))
	}
	if shown := cli.Show(command, outcomes, func(w io.Writer) {
		describeOutcomes(w, cli.LanguageFor(command), outcomes)
	}); shown != nil || err != nil {
		return errors.Join(shown, err)
	}
	if refused == len(rows) && refused > 0 {
		return token.Errorf("batch-refused", "", "none of %d payments was made", refused)
	}
	if refused > 0 {
		return token.Errorf("batch-refusals", "", "%d of %d payments were refused", refused, len(rows))
	}
	return nil
}

// realPath is the one name of a file, whichever way leads there.
func realPath(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return path
}

// interrupted says how to go on with a batch that stopped in the middle, and how many of its payments are known to be
// made. One that was refused before the first was sent has nothing to go on with.
func interrupted(err error, done, of int) error {
	if done == 0 && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		!errors.As(err, new(*api.UnansweredError)) && !api.NotReached(err) {
		return err
	}
	return fmt.Errorf("%w (%d of %d payments are known to be made; run it again to go on: nobody is paid twice)", err,
		done, of)
}

func describeOutcomes(w io.Writer, l words.Language, outcomes []wallet.Outcome) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, l.Text("batch.columns"))
	for _, o := range outcomes {
		var result string
		switch {
		case o.Problem != nil:
			result = l.Text("batch.refused", "why", o.Problem.Error())
		case o.Again:
			result = l.Text("batch.paid-before", "entry", o.Receipt.Index, "at", terminal.Moment(o.Receipt.TimeMillis))
		default:
			result = l.Text("batch.paid", "entry", o.Receipt.Index)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", o.Row.Line, terminal.Plain(o.Row.To), o.Row.Amount.Format(), result)
	}
}

// MaxIdempotencyKey bounds a key, in bytes.
const MaxIdempotencyKey = 200

// payOnce makes a payment once for a key: a batch of one row in a journal of its own.
func payOnce(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
	key := cli.Flag(command, "idempotency-key")
	if len(key) > MaxIdempotencyKey {
		return cli.Usage(fmt.Errorf("--idempotency-key: %d bytes, at most %d", len(key), MaxIdempotencyKey))
	}
	from, amount, err := s.WalletAndAmount(args[0], args[2])
	if err != nil {
		return err
	}
	if _, err := s.Resolve(args[1]); err != nil {
		return err
	}
	if amount <= 0 {
		return token.Errorf(token.AmountZero, "amount", "an amount is positive")
	}
	options, err := batchOptions(command)
	if err != nil {
		return err
	}
	folder := filepath.Join(cli.Flag(command, "data"), "payments")
	if err := durable.Folder(vfs.OS, folder); err != nil {
		return err
	}
	// A key is any text, a file's name is not.
	name := sha256.Sum256([]byte(key))
	var outcome wallet.Outcome
	err = s.PayBatch(ctx, wallet.Batch{
		File: "idempotency key " + key, From: from, Options: options, Repeat: true, Notice: notice(command),
		Rows:    []wallet.Row{{Line: 1, ID: key, To: args[1], Amount: amount}},
		Journal: filepath.Join(folder, hex.EncodeToString(name[:16])+".journal"),
	}, func(o wallet.Outcome) error { outcome = o; return nil })
	switch {
	case err != nil:
		return onceError(key, err)
	case outcome.Problem != nil:
		return outcome.Problem
	}
	l, pairs := cli.LanguageFor(command), []any{"from", args[0], "amount", amount.Format(), "to", args[1]}
	if outcome.Again {
		return session.ShowDone(command, *outcome.Receipt, nil, l.Text("result.paid-before", pairs...))
	}
	return session.ShowDone(command, *outcome.Receipt, nil, l.Text("result.paid", pairs...))
}

// keyReused is the refusal of another payment under a key.
const keyReused token.Code = "idempotency-key-reused"

// onceError says of a key what a batch says of its rows.
func onceError(key string, err error) error {
	var refusal *token.Error
	if errors.As(err, &refusal) {
		switch refusal.Code {
		case wallet.BatchOfAnother, wallet.BatchOtherTerms, wallet.BatchOtherRow:
			return token.Errorf(keyReused, "idempotency-key",
				"%q was the key of another payment, or on another network: a new payment has a new key", key)
		}
	}
	return err
}
