package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
)

// AmountFlag is a flag's amount in tenge; 0 when it is not given.
func AmountFlag(command *cobra.Command, name string) (money.Tiyn, error) {
	text := Flag(command, name)
	if text == "" {
		return 0, nil
	}
	amount, err := money.ParseTenge(text)
	if err != nil {
		return 0, UsageError{fmt.Errorf("--%s: %w", name, err)}
	}
	return amount, nil
}

// DurationFlag is a flag's span, such as 90m, 24h or 30d.
func DurationFlag(command *cobra.Command, name string) (time.Duration, error) {
	d, err := Duration(Flag(command, name))
	if err != nil || d < 0 {
		return 0, UsageError{fmt.Errorf("--%s: want a time such as 90m, 24h or 30d", name)}
	}
	return d, nil
}

// UntilFlag is when what a flag says is over, which begins now: after a span (30d), on a date, or on the next day of
// the calendar of a kind ("each 1st").
func UntilFlag(command *cobra.Command, name string, now uint64) (uint64, error) {
	until, err := contract.ParseDeadline(Flag(command, name), int64(now))
	if err != nil {
		return 0, UsageError{fmt.Errorf("--%s: %w", name, err)}
	}
	if until < 0 || uint64(until) < now {
		return 0, UsageError{fmt.Errorf("--%s: %s lies in the past", name, contract.Moment(until))}
	}
	return uint64(until), nil
}

// RecurrenceFlag is how often something is due that a flag says: a span (30d), or a day of the calendar ("each 1st").
func RecurrenceFlag(command *cobra.Command, name string, now uint64) (contract.Recurrence, error) {
	period, err := contract.ParseRecurrence(Flag(command, name), int64(now))
	if err != nil {
		return 0, UsageError{fmt.Errorf("--%s: %w", name, err)}
	}
	return period, nil
}

// Duration reads Go's durations, and days.
func Duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

// ExactArgs is cobra's check with our exit code for a mistake in usage.
func ExactArgs(n int) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(command, args); err != nil {
			return UsageError{fmt.Errorf("%s: %w", strings.TrimSpace(command.Use), err)}
		}
		return nil
	}
}

// maxNodeFile bounds a file that a flag names, in bytes: an address or a secret is one line.
const maxNodeFile = 4 << 10

// TextOrFile returns a flag's text, or the first line of the file it names after an @. A byte order mark before it and
// blanks round it are not part of it. What is a secret comes in a file: a command line is visible to every user.
func TextOrFile(text string) (string, error) {
	name, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return text, nil
	}
	raw, err := ReadLimited(name, maxNodeFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff")), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s holds nothing", name)
	}
	return line, nil
}

// Flag is the text of a flag.
func Flag(command *cobra.Command, name string) string {
	value, _ := command.Flags().GetString(name)
	return value
}

// ReadLimited reads a file that somebody named, of at most so many bytes.
func ReadLimited(path string, most int64) ([]byte, error) {
	// a pipe into which nobody writes is empty, and holds up nobody
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, UsageError{err}
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = UsageError{fmt.Errorf("%s: over %d bytes", path, most)}
	}
	return content, err
}
