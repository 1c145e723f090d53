package nodecmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// NewUpCommand makes the command "up".
func NewUpCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "up",
		Short: "Run the ledger and serve its API until interrupted",
		Example: `  aqsha up
  aqsha up --listen 127.0.0.1:9000 --data ./pilot
  aqsha tls init tenge.example.kz --data pilot && aqsha up --tls self --listen 0.0.0.0:8420 --data pilot
  aqsha up --accept-time --data ./pilot   # after weeks at rest, when this machine's clock is right`,
		Long: `Run the ledger and serve its API until interrupted. It ends within ten seconds of SIGTERM.

Blocks are dated by this machine's clock, and time on the ledger only grows: a clock that is set ahead would let
proposals, new keys and contracts fall due at once. While it runs the node holds the clock against the monotonic one;
at the start, against the last block. When the last block is longer ago than the shortest delay in force (policy:
delay, re-key delay), it takes no payments (clock-doubted) until a follower's clock says the same, or you do with
--accept-time. A development network never asks. /health shows what the node makes of its clock.

SIGHUP has it take config.toml in again: accesses, origins, followers and acks, archive and log_level hold at once; of
other keys that changed it logs the names. A file with an error changes nothing.

Nothing listens beyond loopback without TLS: --tls self (a certificate of "aqsha tls init"), files (yours), acme
(fetched from a public authority, which asks on port 443), or proxy=ADDRESS: a proxy there ends TLS, and nobody else
is let in. This machine's own commands speak to a port on loopback.

On a full disk it takes no payments (disk-full) and shows what is stored; /health says so. Make room, and it goes on
by itself.`,
		Args: cobra.NoArgs,
		RunE: runUp,
	}
	datadir.AddLedgerFlags(command)
	cli.AddLogFlags(command)
	AddTLSFlags(command)
	cli.ListenFlag(command.Flags(), "listen", "", "address of the API (default: listen in config.toml, 127.0.0.1:8420)")
	command.Flags().Bool("reverify", false,
		"at the start believe no snapshot and verify every signature of the log again")
	// A word for one start and no setting: a clock that goes wrong later is doubted again.
	command.Flags().Bool("accept-time", false, "this machine's clock is right, however long ago the last block was")
	command.Flags().String("market", "",
		"folder of market data (aqsha market demo makes one) to answer /v1/market from")
	command.Flags().StringArray("cash", nil,
		"folder of a cash office, or a copy of its log and log.key, to recount for /v1/banknotes and the page; several times for several")
	return command
}

// runUp holds the directory's lock from before keys are asked for until everything is closed.
func runUp(command *cobra.Command, _ []string) error {
	dir := cli.Flag(command, "data")
	// Taken before keys are asked for, and a follower's directory refused under the same lock: a second node
	// that ordered on a copied log would fork it.
	c, lock, err := datadir.TakeLedger(command.Context(), dir, func(c datadir.Config) error {
		if c.Leader != "" {
			return cli.Usage(fmt.Errorf("%s copies the log of %s: run \"aqsha follow\" on it, or \"aqsha "+
				"promote\" to make it the leader", dir, c.Leader))
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer lock.Close()
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	if err := takeListen(&c, command); err != nil {
		return err
	}
	if err := c.LogsAt(command, os.Stderr); err != nil {
		return err
	}
	TakeTLS(&c, command)
	c.Market = cli.Flag(command, "market")
	c.CashLogs, _ = command.Flags().GetStringArray("cash")
	c.Reverify, _ = command.Flags().GetBool("reverify")
	c.AcceptTime, _ = command.Flags().GetBool("accept-time")
	return Serve(command.Context(), dir, c, keyring, nil, func(context.Context, *api.Server, string) error {
		return nil
	})
}

// Serve runs a node with its API on a data directory that the caller holds until ctx ends. once is called when it
// serves; what it returns, if not nil, ends the node: ErrDone without an error.
func Serve(ctx context.Context, dir string, c datadir.Config, keyring *wallet.Keyring, story func() []api.StoryStep,
	once func(ctx context.Context, s *api.Server, url string) error) error {
	if err := openArchive(dir, c); err != nil {
		return err
	}
	logger := c.LoggerOrDefault()
	var err error
	if c.Promoted, err = justPromoted(dir); err != nil {
		return err
	}
	if c.Cluster, err = OpenCluster(dir, keyring, logger); err != nil {
		return err
	}
	// The log is made whole before the node opens it: a validator that lost its disk fetches it from the others.
	if err := restoreLog(c.Cluster, dir, c, keyring, logger); err != nil {
		return err
	}
	n, err := datadir.OpenNode(dir, c, keyring, logger)
	if err != nil {
		return err
	}
	if err := startCluster(c.Cluster, n); err != nil {
		return errors.Join(err, n.Close())
	}
	if err := promises(n, keyring); err != nil {
		return errors.Join(err, n.Close())
	}
	if err := nameArchive(c, n.Network()); err != nil {
		return errors.Join(err, n.Close())
	}
	defer cli.EndInTime(ctx, os.Stderr)()
	defer queryWhoLeads(ctx, n, append(slices.Collect(maps.Values(c.FollowerURLs)), c.Peers...))()
	keeping, kept := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { keepFollowerURLs(keeping, n, dir, logger) })
	// Deferred calls run backwards: first it is told to stop, then waited for, and the node is closed before either,
	// below.
	defer group.Wait()
	defer kept()
	served := make(chan struct{})
	ctx, stopped := untilClusterStops(ctx, c.Cluster, served)
	err = serveNode(ctx, n, dir, c, logger, story, once)
	close(served)
	return errors.Join(err, stopped(), stopCluster(c.Cluster), n.Close())
}

// PromotedFile stands in a directory between its promotion and its first start as the leader.
const PromotedFile = "promoted"

// justPromoted says whether a node starts for the first time since it was promoted: nobody can have acknowledged more
// to it than it has. The file goes first, so that a later copy of the directory does not say so.
func justPromoted(dir string) (bool, error) {
	err := vfs.OS.Remove(filepath.Join(dir, PromotedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = vfs.OS.SyncDir(dir)
	}
	return err == nil, err
}

// promises has a leader that was a follower promise with that one's key too.
func promises(n *node.Node, keyring *wallet.Keyring) error {
	for _, v := range keyring.FollowerKeys() {
		cosigner, _, err := keyring.Cosigner(v.Name())
		if err != nil {
			return err
		}
		n.Cosigns(cosigner)
	}
	return nil
}

// ErrDone ends serving without being an error.
var ErrDone = errors.New("done")

// serveNode serves a node until ctx ends or once fails. The order is a contract with this machine's commands: what
// opens the door to them (the machine's token) lies there before the address is announced, and is withdrawn after it.
// once runs when requests are answered.
func serveNode(ctx context.Context, n *node.Node, dir string, c datadir.Config, logger *slog.Logger,
	story func() []api.StoryStep, once func(ctx context.Context, s *api.Server, url string) error) error {
	machine, forget, err := datadir.LeaveAccess(dir)
	if err != nil {
		return err
	}
	defer forget()
	options := api.Options{Open: c.Development, Access: c.Access, Origins: c.Origins, Story: story, MarketDir: c.Market,
		CashLogs: c.CashLogs, Demo: c.Demo, Logger: logger, Members: c.Members(), Dir: dir,
		Instance: datadir.NewInstance(), Machine: machine}
	if c.Cluster != nil {
		options.Cluster = c.Cluster.Status
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := Secure(ctx, c, dir, &options, logger); err != nil {
		return err
	}
	server := api.New(n, options)
	defer func() {
		if err := server.Close(); err != nil {
			logger.Error("closing what the server kept open", "error", err)
		}
	}()
	listener, err := server.Listen(c.Listen)
	if err != nil {
		return err
	}
	listeners := []net.Listener{listener}
	if options.TLS != nil || options.Proxy != "" { // this machine's own commands need no certificate
		here, err := server.ListenHere()
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		listeners = append(listeners, here)
	}
	_, withdraw, err := datadir.Announce(dir, listeners[len(listeners)-1], options.Instance)
	if err != nil {
		return err
	}
	defer withdraw()
	url := "http://" + listener.Addr().String()
	if options.TLS != nil {
		url = "https://" + listener.Addr().String()
	}
	if c.Development {
		fmt.Fprintln(os.Stderr, words.FromEnvironment(os.Getenv).Text("init.development"))
	}
	fmt.Fprintf(os.Stderr, "Serving %s at %s (API description at %s/docs). Ctrl-C ends.\n", n.Genesis().Name, url, url)
	if server.WantsAdministrator() && !c.Development {
		fmt.Fprintf(os.Stderr,
			"Nobody administers its pages yet: aqsha console link --data %s lets the first one in.\n",
			dir)
	}
	go watchAccess(ctx, dir, server, logger)
	if held, err := datadir.ReadConfig(dir); err == nil { // without what flags of this run say
		held.Levels = c.Levels
		go (&reloading{dir, held, n, server, logger}).watch(ctx)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listeners...) }()
	if err := once(ctx, server, url); err != nil {
		cancel()
		if errors.Is(err, ErrDone) {
			err = nil
		}
		return errors.Join(err, <-served)
	}
	return <-served
}

// takeListen takes the address of --listen, if one is given.
func takeListen(c *datadir.Config, command *cobra.Command) error {
	listen := cli.Flag(command, "listen")
	if listen == "" {
		return nil
	}
	c.Listen = listen
	return cli.ListenAddress("--listen", listen)
}
