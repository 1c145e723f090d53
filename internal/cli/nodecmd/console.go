package nodecmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// NewConsoleCommand makes the command "console".
func NewConsoleCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "console", Short: "The node's pages: let the first administrator in",
		Long: `Staff sign in at the node's pages with passkeys. An administrator lets others in; the first comes by a
link that this machine makes. Whoever opens the link becomes an administrator, so it is shown here and nowhere else,
works once, and for 15 minutes.`,
	}
	datadir.AddLedgerFlags(command)
	link := &cobra.Command{
		Use: "link", Short: "Make a link that lets an administrator in, once, within 15 minutes",
		Example: `  aqsha console link --data net
  aqsha console link --data net --origin https://tenge.example.kz`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// Whoever can write into the node's directory owns it already; over the network the link would be a key
			// for anybody who asks.
			if cli.Flag(command, "node") != "" {
				return cli.Usage(errors.New("--node: the link is made in a data directory: run this on the node's " +
					"machine, with --data"))
			}
			dir := cli.Flag(command, "data")
			c, err := datadir.ReadConfig(dir)
			if errors.Is(err, datadir.ErrNoNetwork) { // nor is one made for this, and another node's has no link here
				return cli.Usage(fmt.Errorf("%w in %s: name the data directory of the node, with --data",
					datadir.ErrNoNetwork, dir))
			}
			if err != nil {
				return err
			}
			origin, err := PageOrigin(c, dir, cli.Flag(command, "origin"))
			if err == nil && strings.HasPrefix(origin, here) {
				ctx, cancel := context.WithTimeout(command.Context(), startWait)
				defer cancel()
				if err := awaitAddress(ctx, dir); err != nil {
					return err
				}
				origin, err = PageOrigin(c, dir, cli.Flag(command, "origin"))
			}
			if err != nil {
				return cli.Usage(err)
			}
			link, until, err := MakeConsoleLink(dir, origin, time.Now())
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"link": link, "until_millis": until.UnixMilli()},
				func(w io.Writer) {
					fmt.Fprintf(w, "%s\n\n%s\n", link, cli.LanguageFor(command).Text("access.link", "at",
						terminal.Moment(uint64(until.UnixMilli()))))
				})
		},
	}
	link.Flags().String("origin", "", "where people dial the node (default: the first of origins in config.toml that "+
		"has a name, else localhost)")
	command.AddCommand(link)
	return command
}

// MakeConsoleLink makes a one-time link for an administrator in a data directory. Its secret stands in the fragment,
// which a browser sends to nobody.
func MakeConsoleLink(dir, origin string, now time.Time) (link string, until time.Time, err error) {
	secret, until, err := staff.MakeMachineLink(vfs.OS, filepath.Join(dir, staff.Folder), rand.Reader, now)
	return origin + "/sign-in#join?" + secret, until, err
}

// PageOrigin is where people dial a node's pages: by a name, as a passkey belongs to one. With TLS there is no guess,
// since a passkey that is made for the wrong name works nowhere.
func PageOrigin(c datadir.Config, dir, given string) (string, error) {
	if given != "" {
		origin, err := api.Origin(given)
		if err == nil {
			_, err = staff.Site(origin)
		}
		return origin, err
	}
	for _, text := range c.Origins {
		if origin, err := api.Origin(text); err == nil {
			if _, err := staff.Site(origin); err == nil {
				return origin, nil
			}
		}
	}
	if c.TLS != "" && c.TLS != "none" {
		return "", errors.New("say where people dial this node: --origin https://NAME, or origins in config.toml")
	}
	address := c.Listen
	if announced, _, err := datadir.Announced(dir); err == nil { // a node runs, perhaps elsewhere than configured
		if u, err := url.Parse(announced); err == nil {
			address = u.Host
		}
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("listen in config.toml: %w", err)
	}
	return here + port, nil
}

// here is where a node is dialled on its own machine, less the port.
const here = "http://localhost:"

// startWait is how long a node that starts may take to say where it listens.
const startWait = 30 * time.Second

// awaitAddress waits while a node starts on a directory: until then where it listens is what is configured, or what one
// that was killed left behind. Where none runs it forgets what was left.
func awaitAddress(ctx context.Context, dir string) error {
	for {
		lock, err := vfs.OS.Lock(dir)
		var held *vfs.LockedError
		switch {
		case err == nil:
			datadir.ForgetAddress(dir)
			return lock.Close()
		case !errors.As(err, &held):
			return err
		}
		if _, err := datadir.OpenAnnounced(dir); err == nil {
			return nil
		}
		if datadir.Pause(ctx) != nil {
			return fmt.Errorf("%w, which has not said where it listens: ask again when it serves, or name it with "+
				"--origin", held)
		}
	}
}
