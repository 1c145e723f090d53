package farmcmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/farms"
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newFarmAccessCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "access",
		Short: "List who may read and work through the farm's API; make and revoke access tokens",
		Long: `Access tokens open the API that 'aqsha farm watch --http' serves. A viewer reads machines, polls,
alerts and months; a technician also sees addresses, acknowledges alerts, keeps tickets and reads orders; an
operator also writes orders down, confirms and withdraws them; an owner also gives and takes accesses. With
--selector an access reaches only a part of the farm. The folder keeps hashes of the tokens, in accesses.json; a
watch that runs takes changes in at once.`,
		Example: "  aqsha farm access\n  aqsha farm access --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			list, err := farms.ReadAccesses(dir)
			if err != nil {
				return err
			}
			// Lines have no hash of a token: what is printed here ends up in mails and tickets.
			lines := []farms.AccessLine{}
			for i := range list {
				lines = append(lines, list[i].Line(time.Now()))
			}
			return cli.Show(command, lines, func(w io.Writer) {
				said := cli.LanguageFor(command)
				if len(lines) == 0 {
					fmt.Fprintln(w, said.Text("farm.nobody"))
					return
				}
				cli.Tabbed(w, func(tab io.Writer) {
					fmt.Fprintln(tab, said.Text("farm.access-columns"))
					for _, l := range lines {
						until := said.Text("access.never")
						if l.Expires != nil {
							until = l.Expires.Format(time.DateOnly)
						}
						if l.Expired {
							until = said.Text("access.expired", "at", until)
						}
						fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", terminal.Plain(l.Name),
							said.Phrase("role-name", string(l.Role)), terminal.Plain(l.Selector),
							until)
					}
				})
			})
		},
	}
	command.AddCommand(newFarmAccessNewCommand(), newFarmAccessRevokeCommand())
	return command
}

func newFarmAccessNewCommand() *cobra.Command {
	var role, selector, out string
	command := &cobra.Command{
		Use:   "new NAME",
		Short: "Make an access token, and show it once",
		Example: "  aqsha farm access new office --role viewer --for 90d\n" +
			"  aqsha farm access new aigerim --role operator --selector ekibastuz/c1 --out aigerim.token",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmdir.Of(command, true)
			if err != nil {
				return err
			}
			a := farms.Access{Name: args[0], Role: farms.Role(role), Selector: selector}
			lasts, err := cli.DurationFlag(command, "for")
			if err != nil {
				return err
			}
			if lasts > 0 {
				a.Expires = time.Now().Add(lasts).UTC().Truncate(time.Second)
			}
			token := api.NewToken()
			a.TokenSHA256 = api.HashToken(token)
			if out != "" { // first: a crash leaves a token that opens nothing, never an access that nobody can use
				if err := durable.Create(vfs.OS, out, []byte(token+"\n")); errors.Is(err, fs.ErrExist) {
					return cli.Usage(fmt.Errorf("%s is there already: choose another file for the token", out))
				} else if err != nil {
					return err
				}
			}
			if _, err := farms.AddAccess(dir, a); err != nil {
				if out != "" {
					err = errors.Join(err, durable.Remove(vfs.OS, out))
				}
				return err
			}
			shown := map[string]any{"access": a.Line(time.Now())}
			if out != "" {
				shown["file"] = out
			} else {
				shown["token"] = token
			}
			return cli.Show(command, shown, func(w io.Writer) {
				if out != "" {
					fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.access-made", "name", terminal.Plain(a.Name),
						"role", cli.LanguageFor(command).Phrase("role-name", string(a.Role)),
						"machines", terminal.Plain(a.Selector), "file", out))
					return
				}
				fmt.Fprintln(w, token)
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&role, "role", string(farms.Viewer), "viewer, technician, operator or owner")
	flags.StringVar(&selector, "selector", "*", "of the machines that it reaches")
	flags.String("for", "365d", "how long it is valid: 90d, 12h; 0 for ever")
	flags.StringVar(&out, "out", "", "write the token to this file, its owner's alone, instead of showing it")
	return command
}

func newFarmAccessRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Take an access token back", Example: "  aqsha farm access revoke office",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) { // whose accesses have no lock to be taken
				return farm.Refuse("farm-no-access", "name", "there is no access %q", args[0])
			}
			if err := farms.RevokeAccess(dir, args[0]); err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"revoked": args[0]}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("access.revoked", "name", terminal.Plain(args[0])))
			})
		},
	}
}
