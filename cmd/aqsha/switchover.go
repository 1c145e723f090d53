package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
)

func newSwitchoverCommand() *cobra.Command {
	o := promoteOptions{planned: true}
	command := &cobra.Command{
		Use:   "switchover",
		Short: "Take over from a leader that is there, and serve as the leader",
		Long: `Make the follower in the data directory the leader in the place of one that is running, and serve until
interrupted. The follower must not be running; payments go on meanwhile. The log's signing key is needed, as with
"aqsha promote".

What the leader has is copied and acknowledged first. Then the leader promises to stop: it answers nothing more, and says
how much it has. If it does not promise, nothing is changed. Its last entries are copied, followers promise, the fence
is signed, and this node serves. Whoever pays with several nodes (--node A,B) sends what was not answered to the new
leader, as it was: no payment is refused or made twice. Followers that know where this node serves come by themselves.

The old leader's process answers nothing but reads; end it, and bring it back as a follower: "aqsha restore URL", then
"aqsha follow".`,
		Example: `  aqsha switchover --data ./copy --log-key ./safe/log.secret
  aqsha switchover --data ./copy --listen 10.0.0.2:8420 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir := flag(command, "data")
			if c, err := readConfig(dir); err != nil {
				return err
			} else if c.Leader == "" {
				return usageError{fmt.Errorf("%s is a leader's already", dir)}
			}
			if err := promote(command, o); err != nil {
				return err
			}
			return serveNow(command, dir)
		},
	}
	addLedgerFlags(command)
	command.Flags().StringVar(&o.logKey, "log-key", "", "file with the log's signing key (default: the one in the data directory)")
	command.Flags().StringArrayVar(&o.ask, "ask", nil, "URL of another follower to ask and to tell (more than one: repeat)")
	addInsteadOf(command, &o)
	command.Flags().StringArrayVar(&o.without, "without", nil, "name of a follower that is lost, and so is not promoted at the same time (more than one: repeat)")
	command.Flags().String("listen", "", "address of the API (default: listen in config.toml)")
	return command
}

// serveNow serves as the leader that a directory's node has just become.
func serveNow(command *cobra.Command, dir string) error {
	c, lock, err := takeLedger(command.Context(), dir, anyLedger)
	if err != nil {
		return err
	}
	defer lock.Close()
	book, err := openBook(command)
	if err != nil {
		return err
	}
	if listen := flag(command, "listen"); listen != "" {
		c.Listen = listen
	}
	return serve(command.Context(), dir, c, book, nil, func(context.Context, *api.Server, string) error { return nil })
}
