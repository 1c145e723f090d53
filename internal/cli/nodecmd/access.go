package nodecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewAccessCommand makes the command "access", which works on config.toml, never through a node.
func NewAccessCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "access", Short: "Access tokens of a node that is not open: make, list, revoke",
		Long: `Access tokens let programs of the authority, of auditors and of banks read what is not public. (A
wallet's holder needs none: his key opens what is his.) The node keeps only hashes of them, in config.toml; a token is
shown once, when it is made. A node that runs takes changes in within seconds.`,
	}
	datadir.AddLedgerFlags(command)
	for _, c := range []*cobra.Command{accessNew(), accessList(), accessRevoke()} {
		run := c.RunE
		c.RunE = func(command *cobra.Command, args []string) error {
			if cli.Flag(command, "node") != "" {
				return cli.Usage(errors.New("--node: accesses are kept in a data directory: run this on the node's " +
					"machine, with --data"))
			}
			return run(command, args)
		}
		command.AddCommand(c)
	}
	return command
}

// accessNew writes the token's file before the configuration has its hash: no crash leaves a token that nobody has.
func accessNew() *cobra.Command {
	command := &cobra.Command{
		Use: "new NAME", Short: "Make an access token, and show it once",
		Example: `  aqsha access new audit-2026 --role auditor --for 90d
  aqsha access new halyk-core --role intermediary --bank halyk --out halyk.token`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			a := api.Access{Name: args[0], Role: api.AccessRole(cli.Flag(command, "role"))}
			if err := wallet.CheckName(a.Name); err != nil {
				return cli.Usage(err)
			}
			if bank := cli.Flag(command, "bank"); (bank != "") != (a.Role == api.RoleIntermediary) {
				return cli.Usage(errors.New("--bank NAME goes with --role intermediary"))
			} else if bank != "" {
				keyring, err := datadir.OpenKeyring(command)
				if err != nil {
					return err
				}
				if a.Intermediary, err = keyring.Resolve(bank); err != nil {
					return err
				}
			}
			lasts, err := parseDays(cli.Flag(command, "for"))
			if err != nil {
				return cli.Usage(fmt.Errorf("--for: %w", err))
			}
			if lasts > 0 {
				a.Expires = time.Now().Add(lasts).UTC().Truncate(time.Second)
			}
			path := cli.Flag(command, "out")
			// The configuration keeps its hash alone: whoever reads the file can let nobody in.
			text, err := addAccess(command, a, path)
			if err != nil {
				return err
			}
			out := map[string]any{"name": a.Name, "role": a.Role, "expires": a.Expires}
			if path != "" {
				out["file"] = path
			} else {
				out["token"] = text
			}
			return cli.Show(command, out, func(w io.Writer) {
				if path, there := out["file"]; there {
					fmt.Fprintln(w, cli.LanguageFor(command).Text("access.made", "name", a.Name,
						"role", roleText(cli.LanguageFor(command), a.Role),
						"file", path))
					return
				}
				fmt.Fprintf(w, "%s\n", text)
			})
		},
	}
	command.Flags().String("role", "auditor",
		"authority, auditor (both read everything) or intermediary (its own wallets)")
	command.Flags().String("bank", "", "the bank, for the role intermediary")
	command.Flags().String("for", "365d", "how long it is valid: 90d, 12h; 0 for ever")
	command.Flags().String("out", "", "write the token to this file, its owner's alone, instead of showing it")
	return command
}

// addAccess makes the token of an access, and keeps only its hash. With a path the token's file comes first: a crash
// leaves a token that opens nothing, never an access whose token nobody can be shown.
func addAccess(command *cobra.Command, a api.Access, path string) (text string, err error) {
	text = api.NewToken()
	a.TokenSHA256 = api.HashToken(text)
	if path != "" {
		if err := durable.Create(vfs.OS, path, []byte(text+"\n")); errors.Is(err, fs.ErrExist) {
			return "", cli.Usage(fmt.Errorf("%s is there already: choose another file for the token", path))
		} else if err != nil {
			return "", err
		}
	}
	err = changeAccess(command, func(list []api.Access) ([]api.Access, error) {
		if slices.ContainsFunc(list, func(b api.Access) bool { return b.Name == a.Name }) {
			return nil, cli.Usage(fmt.Errorf("there is an access %q already: revoke it, or choose another name",
				a.Name))
		}
		return append(list, a), nil
	})
	if err != nil && path != "" {
		err = errors.Join(err, durable.Remove(vfs.OS, path))
	}
	return text, err
}

// parseDays reads a period as a number of days or a duration.
func parseDays(text string) (time.Duration, error) {
	var days int
	if n, err := fmt.Sscanf(text+"|", "%dd|", &days); n == 1 && err == nil && days >= 0 && days <= 36_500 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no period such as 90d or 12h", text)
	}
	return d, nil
}

// changeAccess changes the list of accesses of a data directory, whether or not a node runs on it.
func changeAccess(command *cobra.Command, change func([]api.Access) ([]api.Access, error)) error {
	return datadir.ChangeConfig(cli.Flag(command, "data"), func(c *datadir.Config) error {
		list, err := change(c.Access)
		if err != nil {
			return err
		}
		c.Access = list
		if err := api.CheckAccess(list); err != nil { // the list that was there has passed it: this one was given now
			return cli.Usage(err)
		}
		return nil
	})
}

func accessList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who has access", Example: "  aqsha access list --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := datadir.ReadConfig(cli.Flag(command, "data"))
			if err != nil {
				return err
			}
			type line struct {
				Name         string         `json:"name"`
				Role         api.AccessRole `json:"role"`
				Intermediary string         `json:"intermediary,omitempty"`
				Expires      *time.Time     `json:"expires,omitempty"`
				Expired      bool           `json:"expired"`
			}
			// Without hashes or secrets: what is printed here ends up in mails.
			lines := []line{}
			for _, a := range c.Access {
				l := line{Name: a.Name, Role: a.Role, Expired: a.Expired(time.Now())}
				if a.Role == api.RoleIntermediary {
					l.Intermediary = a.Intermediary.String()
				}
				if !a.Expires.IsZero() {
					l.Expires = &a.Expires
				}
				lines = append(lines, l)
			}
			return cli.Show(command, lines, func(w io.Writer) {
				said, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, said.Text("access.columns"))
				for _, l := range lines {
					until := said.Text("access.never")
					if l.Expires != nil {
						until = terminal.Day(uint64(l.Expires.UnixMilli()))
					}
					if l.Expired {
						until = said.Text("access.expired", "at", until)
					}
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", terminal.Plain(l.Name), roleText(said, l.Role),
						l.Intermediary, until)
				}
				_ = table.Flush()
			})
		},
	}
}

func accessRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Take an access token back", Example: "  aqsha access revoke audit-2026",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			err := changeAccess(command, func(list []api.Access) ([]api.Access, error) {
				i := slices.IndexFunc(list, func(a api.Access) bool { return a.Name == args[0] })
				if i < 0 {
					return nil, cli.Usage(fmt.Errorf("there is no access %q", args[0]))
				}
				return slices.Delete(list, i, i+1), nil
			})
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"revoked": args[0]}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("access.revoked", "name", args[0]))
			})
		},
	}
}

// accessLook is how often a node that runs looks whether its accesses were changed: who made one uses it next.
const accessLook = 100 * time.Millisecond

// watchAccess takes changes of the accesses in config.toml in while a node runs, until ctx ends. A file that cannot be
// read changes nothing, and is told.
func watchAccess(ctx context.Context, dir string, server *api.Server, logger *slog.Logger) {
	path := filepath.Join(dir, datadir.ConfigFile)
	seen, reported := fileMark(path), ""
	for {
		select {
		case <-time.After(accessLook):
		case <-ctx.Done():
			return
		}
		mark := fileMark(path)
		if mark == seen {
			continue
		}
		c, err := datadir.ReadConfig(dir)
		if err != nil {
			if reported != err.Error() {
				reported = err.Error()
				logger.Error("the configuration cannot be read: accesses stay as they are", "cause", err)
			}
			continue
		}
		seen, reported = mark, ""
		server.SetAccess(c.Access)
	}
}

// fileMark changes when a file does.
func fileMark(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// roleText is what a role of an access is called in a language.
func roleText(l words.Language, role api.AccessRole) string {
	return l.Phrase("role-name", string(role))
}
