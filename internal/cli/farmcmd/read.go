package farmcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/replay"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/words"
)

// seen is what one machine says after decoding.
type seen struct {
	From    string            `json:"from"` // address or folder
	Reading *protocol.Reading `json:"reading,omitempty"`
	Problem string            `json:"problem,omitempty"`
}

func newFarmReadCommand() *cobra.Command {
	var o fleet.ScanOptions
	command := &cobra.Command{
		Use:   "read DIR-OR-ADDRESS",
		Short: "Show what one machine says after decoding, a field a line",
		Long: `Asks one machine who it is and how it does, and prints what was understood, a field a key (--json) or a
line; −1 stands for what the firmware does not tell. With a folder of recorded answers (rpc/COMMAND.txt and
http/PATH.txt, or folders of them) it reads these instead, so that anybody can compare it with what another program
reads. Nothing is written.`,
		Example: `  aqsha farm read 10.1.0.17
  aqsha farm read 10.1.0.17 --json
  aqsha farm read recordings/antminer-s19 --json`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := judged(&o); err != nil {
				return err
			}
			var err error
			if o.Password, err = cli.Secret(command, farmdir.AntminerPassword, farmdir.AntminerVariable); err != nil {
				return err
			}
			all, err := readMachines(command.Context(), args[0], o)
			if err != nil {
				return err
			}
			if err := cli.Show(command, all, func(w io.Writer) {
				for _, s := range all {
					printSeen(w, cli.LanguageFor(command), s)
				}
			}); err != nil {
				return err
			}
			// Shown first and then ended with 5: a program reads the same list whether the machine was there or not.
			if len(all) == 1 && all[0].Problem == nobodyAnswers {
				return cli.EndWith(cli.ExitUnreached, farm.Refuse("farm-machines-not-reached", "address", "%s: %s",
					all[0].From, nobodyAnswers))
			}
			return unread(all)
		},
	}
	scanPorts(command, &o)
	return command
}

// scanPorts are the flags that say how to reach a machine of which nothing is known.
func scanPorts(command *cobra.Command, o *fleet.ScanOptions) {
	flags := command.Flags()
	flags.DurationVar(&o.Timeout, "timeout", 2*time.Second, "for each question")
	flags.IntVar(&o.Port, "port", 4028, "of the cgminer API")
	flags.IntVar(&o.PortV3, "port-v3", 4433, "of Whatsminer API 3")
	flags.IntVar(&o.HTTPPort, "antminer-port", 80, "of web pages and HTTP APIs")
	flags.IntVar(&o.TLSPort, "tls-port", 443, "of HTTP APIs that speak HTTPS only")
	flags.StringVar(&o.User, "antminer-user", "", "for them (default: what the firmware comes with)")
	cli.SecretFlags(flags, farmdir.AntminerPassword, farmdir.AntminerVariable,
		"the password for them (else what the firmware comes with)")
}

// maxParallel bounds how many addresses are asked at a time: each takes a file of the process.
const maxParallel = 10_000

// judged refuses ports and times with which nobody is asked, or for ever, before anybody is.
func judged(o *fleet.ScanOptions) error {
	for _, p := range []struct {
		flag string
		port int
	}{{"port", o.Port}, {"port-v3", o.PortV3}, {"antminer-port", o.HTTPPort}, {"tls-port", o.TLSPort}} {
		if p.port < 1 || p.port > 65_535 {
			return cli.Usage(fmt.Errorf("--%s: want 1 to 65535", p.flag))
		}
	}
	if o.Timeout <= 0 || o.Timeout > time.Minute {
		return cli.Usage(errors.New("--timeout: want a time above zero, up to 1m"))
	}
	return nil
}

// nobodyAnswers is the problem of a machine that is not there.
const nobodyAnswers = "nobody answers"

// unread is the end of a reading of which nothing came: somebody answers, and what he says is no machine's answer, or
// never ends. Recorded machines of which one was read end well.
func unread(all []seen) error {
	if slices.ContainsFunc(all, func(s seen) bool { return s.Reading != nil || s.Problem == "" }) || len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%s answers, and nothing that could be read: %s", all[0].From, all[0].Problem)
}

// readMachines reads a machine at an address, or recorded ones.
func readMachines(ctx context.Context, where string, o fleet.ScanOptions) ([]seen, error) {
	if address, err := netip.ParseAddr(where); err == nil {
		f, reading := fleet.ReadAt(ctx, address.String(), o)
		s := seen{From: where, Reading: reading, Problem: nobodyAnswers}
		if f != nil {
			s.From, s.Problem = f.Machine.Address, f.Problem
		}
		return []seen{s}, nil
	}
	if _, err := os.Stat(where); err != nil {
		return nil, cli.Usage(fmt.Errorf("%q is neither an IP address nor a folder of recorded answers", where))
	}
	cases, err := replay.LoadAll(where)
	if err != nil {
		return nil, err
	}
	all := make([]seen, 0, len(cases))
	for _, c := range cases {
		_, reading, err := fleet.Look(ctx, c)
		s := seen{From: c.Name, Reading: reading}
		if err != nil {
			s.Problem = err.Error()
		}
		all = append(all, s)
	}
	return all, nil
}

// printSeen prints the fields that the machine tells.
func printSeen(w io.Writer, l words.Language, s seen) {
	fmt.Fprintln(w, terminal.Plain(s.From))
	if s.Problem != "" {
		fmt.Fprintln(w, " ", l.Text("farm.problem", "text", terminal.Plain(s.Problem)))
	}
	if s.Reading == nil {
		return
	}
	cli.Tabbed(w, func(tab io.Writer) {
		value := reflect.ValueOf(*s.Reading)
		for i := range value.NumField() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			text := terminal.Plain(fmt.Sprintf("%v", value.Field(i).Interface()))
			if text == "-1" {
				text = l.Text("farm.not-told")
			}
			fmt.Fprintf(tab, "  %s\t%s\n", name, text)
		}
	})
}
