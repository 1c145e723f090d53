package farmdir

import (
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// AntminerPassword is the flag of the password of stock Antminers, which scans, reads and orders show them, and
// AntminerVariable where it is in the environment.
const (
	AntminerPassword = "antminer-password"
	AntminerVariable = "AQSHA_ANTMINER_PASSWORD"
)

// Of is the folder of the farm that --data names; with create it is made.
func Of(command *cobra.Command, create bool) (string, error) {
	dir, err := command.Flags().GetString("data")
	if err == nil && create {
		err = vfs.OS.MkdirAll(dir)
	}
	return dir, err
}

// Config is the folder of the farm that --data names, and the configuration that is read from it.
func Config(command *cobra.Command) (dir string, config records.Config, err error) {
	if dir, err = Of(command, false); err == nil {
		config, err = records.ReadConfig(dir)
	}
	return dir, config, err
}

// Open opens the farm of --data to read. Whoever is given no error closes it.
func Open(command *cobra.Command) (*records.Records, error) {
	dir, err := Of(command, false)
	if err != nil {
		return nil, err
	}
	b, err := records.OpenReader(dir)
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w (begin with 'aqsha farm scan', 'aqsha farm import' or 'aqsha farm "+
			"demo', then 'aqsha farm watch')", dir, err)
	}
	return b, nil
}

// Span is a time span as its flags were given, not yet read: ParseTime wants the farm's settings.
type Span struct{ From, To string }

// Register adds the flags --from and --to.
func (s *Span) Register(command *cobra.Command) {
	command.Flags().StringVar(&s.From, "from", "",
		"begin, such as 2026-10-03T08:00 in the farm's zone, or with an offset")
	command.Flags().StringVar(&s.To, "to", "", "end, likewise")
}

// Moment is a time on the farm's clock, with its offset from UTC: people at the machines and those who read from
// elsewhere mean the same one.
func Moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04:05 -07:00")
}

// ParseTime reads the time that a flag gives, in the farm's zone or with an offset of its own; otherwise bad-time, of
// the command line.
func ParseTime(flag, text string, c *records.Config) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, c.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, Mistyped(farm.Refuse("bad-time", flag,
		"%q: want 2026-10-03, 2026-10-03T08:00 or 2026-10-03T08:00:00+05:00", text))
}

// Mistyped ends a command with 2, and not with the 3 of a rule, where a word of the command line cannot be read: its
// error keeps its code.
func Mistyped(err error) error { return cli.EndWith(cli.ExitUsage, err) }

// Operator is who gives a command, as the system knows him. The secrets of farm.toml's people are asked for where four
// eyes are wanted; this name only says in a trail who sat there.
func Operator() string {
	if who, err := user.Current(); err == nil {
		return who.Username
	}
	return "unknown"
}
