package copycmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

// NewSwitchoverCommand makes the command "switchover".
func NewSwitchoverCommand() *cobra.Command {
	o := promoteOptions{planned: true}
	command := &cobra.Command{
		Use:   "switchover",
		Short: "Take over from a leader that is there, and serve as the leader",
		Long: `Make the follower in the data directory the leader in the place of one that is running, and serve until
interrupted. The follower must not be running; payments go on meanwhile. The log's signing key is needed, as with
"aqsha promote".

What the leader has is copied and acknowledged first. Then the leader promises to stop: it answers nothing more, and
says how much it has. If it does not promise, nothing is changed; nor if one of the others knows another leader, or
has promised another candidate: the error says so, and what was changed otherwise, and how to go on. Its last entries
are copied, followers promise, the fence is signed, and this node serves. Whoever pays with several nodes (--node A,B)
sends what was not answered to the new leader, as it was: no payment is refused or made twice. Followers that know
where this node serves come by themselves.

It serves with TLS as "aqsha up" does (--tls, or tls in config.toml); nodes whose certificates are of an authority of
your own are believed with --ca. Accesses are each node's own: those of the old leader do not come along.

The old leader's process answers nothing but reads; end it, and bring it back as a follower: "aqsha restore URL", then
"aqsha follow".`,
		Example: `  aqsha switchover --data ./copy --log-key ./safe/log.secret
  aqsha switchover --data ./copy --listen 10.0.0.2:8420 --tls self --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir := cli.Flag(command, "data")
			c, err := datadir.ReadConfig(dir)
			if err != nil {
				return err
			}
			if c.Leader == "" {
				return cli.Usage(fmt.Errorf("%s is a leader's already", dir))
			}
			// Asked first: a leader that has stopped for a successor who then cannot listen would leave nobody.
			if err := mayServe(c, command, dir); err != nil {
				return fmt.Errorf("this node could not serve as the leader, and nothing was changed: %w", err)
			}
			if err := promote(command, o); err != nil {
				return err
			}
			return serveNow(command, dir)
		},
	}
	datadir.AddLedgerFlags(command)
	cli.AddLogFlags(command)
	nodecmd.AddTLSFlags(command)
	command.Flags().StringVar(&o.logKey, "log-key", "",
		"file with the log's signing key (default: the one in the data directory)")
	command.Flags().StringArrayVar(&o.prompt, "ask", nil,
		"URL of another follower to ask and to tell (more than one: repeat)")
	addInsteadOf(command, &o)
	command.Flags().StringArrayVar(&o.without, "without", nil,
		"name of a follower that is lost, and so is not promoted at the same time (more than one: repeat)")
	cli.ListenFlag(command.Flags(), "listen", "", "address of the API (default: listen in config.toml)")
	return command
}

// mayServe says whether a node could serve with its configuration and a command's flags: else it does not take over.
func mayServe(c datadir.Config, command *cobra.Command, dir string) error {
	ctx, done := context.WithCancel(command.Context())
	defer done()
	nodecmd.TakeTLS(&c, command)
	if listen := cli.Flag(command, "listen"); listen != "" {
		c.Listen = listen
	}
	if err := c.LogsAt(command, os.Stderr); err != nil {
		return err
	}
	options := api.Options{Open: c.Development}
	if err := nodecmd.Secure(ctx, c, dir, &options, c.LoggerOrDefault()); err != nil {
		return err
	}
	err := options.MayListen(c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) { // by the follower of this directory, most likely: then that is said
		_, lock, e := datadir.TakeLedger(ctx, dir, datadir.AnyLedger)
		if e != nil {
			return e
		}
		err = errors.Join(err, lock.Close())
	}
	return err
}

// serveNow serves as the leader that a directory's node has just become.
func serveNow(command *cobra.Command, dir string) error {
	c, lock, err := datadir.TakeLedger(command.Context(), dir, datadir.AnyLedger)
	if err != nil {
		return err
	}
	defer lock.Close()
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	if listen := cli.Flag(command, "listen"); listen != "" {
		c.Listen = listen
	}
	nodecmd.TakeTLS(&c, command)
	if err := c.LogsAt(command, os.Stderr); err != nil {
		return err
	}
	return nodecmd.Serve(command.Context(), dir, c, keyring, nil, func(context.Context, *api.Server, string) error {
		return nil
	})
}
