package chaincmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// chainUp are the settings of a private network.
type chainUp struct {
	btcd, dir, network, payTo string
	blocks                    int
	keep, install             bool
}

func newChainUpCommand() *cobra.Command {
	var up chainUp
	command := &cobra.Command{
		Use:   "up",
		Short: "Run a private Bitcoin network for development until interrupted",
		Long: `Starts btcd on regtest or simnet, on loopback and without peers, and prints its RPC
address, which it also writes to DIR/node.url. btcd is looked for in --btcd, DIR/tools,
.tools and PATH; if it is nowhere, it is built with the Go tool chain. On interrupt the
node stops; unless --keep is given, what this command created is removed.`,
		Example: "  aqsha chain up --data devnet --blocks 101 --pay-to bcrt1q...\n  aqsha chain info --bitcoin " +
			"@devnet/node.url",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return up.run(command) },
	}
	flags := command.Flags()
	flags.StringVar(&up.dir, "data", "aqsha-devnet", "data directory")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&up.network, "network", "regtest", "regtest or simnet")
	flags.StringVar(&up.btcd, "btcd", "", "btcd's executable")
	flags.IntVar(&up.blocks, "blocks", 0, "mine this many blocks at start")
	flags.StringVar(&up.payTo, "pay-to", "", "address that the blocks pay")
	flags.BoolVar(&up.keep, "keep", false, "keep the chain when interrupted (simnet only)")
	flags.BoolVar(&up.install, "install", true, "build btcd when it is not found")
	return command
}

// maxBlocks bounds --blocks, which are mined before anything else is answered.
const maxBlocks = 100_000

// run starts the node, mines, and waits. node.url is written when all that is there: who waits for the file finds the
// blocks.
func (up *chainUp) run(command *cobra.Command) (err error) {
	ctx := command.Context()
	network, err := bitcoin.FindNetwork(up.network)
	if err != nil {
		return cli.Usage(err)
	}
	// All of it before a node is looked for, or built.
	if up.network != "regtest" && up.network != "simnet" {
		return cli.Usage(fmt.Errorf("--network %s: a private network is regtest or simnet", up.network))
	}
	if up.blocks < 0 || up.blocks > maxBlocks {
		return cli.Usage(fmt.Errorf("--blocks %d: want 0 to %d", up.blocks, maxBlocks))
	}
	if up.keep && up.network == "regtest" {
		return cli.Usage(errors.New("--keep: btcd forgets a regtest chain when it starts; use --network simnet"))
	}
	script := []byte{0x51} // OP_TRUE: anybody's, on a network where coins are worth nothing
	if up.payTo != "" {
		if script, err = network.PayTo(up.payTo); err != nil {
			return cli.Usage(fmt.Errorf("--pay-to: %w", err))
		}
	}
	_, statErr := os.Stat(up.dir)
	created := errors.Is(statErr, os.ErrNotExist)
	binary, err := up.find(ctx, command.ErrOrStderr())
	if err != nil {
		return err
	}
	node, err := devnet.Start(ctx, devnet.Options{Binary: binary, Dir: up.dir, Network: up.network})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, node.Stop(), up.clean(created))
	}()
	urlFile := filepath.Join(up.dir, "node.url")
	if _, err := node.Client.MineBlocks(ctx, up.blocks, script); err != nil {
		return err
	}
	if err := durable.Replace(vfs.OS, urlFile, []byte(node.URL+"\n")); err != nil {
		return err
	}
	started := map[string]any{"node": node.URL, "network": up.network, "dir": up.dir, "url_file": urlFile}
	err = cli.Show(command, started, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("chain.up", "network", up.network, "endpoint", node.Client.Endpoint()))
		fmt.Fprintln(w, l.Text("chain.up-use", "file", urlFile))
	})
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-node.Exited():
		if ctx.Err() != nil {
			return nil
		}
		return errors.New("btcd ended by itself; see its logs in " + up.dir)
	}
}

func (up *chainUp) find(ctx context.Context, progress io.Writer) (string, error) {
	tools := filepath.Join(up.dir, "tools")
	binary, err := devnet.Find(up.btcd, tools, ".tools")
	if errors.Is(err, devnet.ErrNoNode) && up.install {
		fmt.Fprintln(progress, "btcd not found; building it, which takes about a minute")
		return devnet.Install(ctx, tools)
	}
	return binary, err
}

// clean removes what a start has made; a directory that was there before keeps all but that.
func (up *chainUp) clean(created bool) error {
	if up.keep {
		return os.Remove(filepath.Join(up.dir, "node.url"))
	}
	if created {
		return os.RemoveAll(up.dir)
	}
	var failed error
	for _, name := range []string{"data", "logs", "btcd.conf", "node.url"} {
		failed = errors.Join(failed, os.RemoveAll(filepath.Join(up.dir, name)))
	}
	return failed
}
