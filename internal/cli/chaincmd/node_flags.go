package chaincmd

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
)

// formerEnv is how $AQSHA_BITCOIN was called while --bitcoin was --node; it is read for one version more.
const formerEnv = "AQSHA_NODE"

// NodeFlags are how every command that talks to a Bitcoin node learns where it is.
type NodeFlags struct {
	URL                 string
	Command             *cobra.Command // whose flags they are
	cookie, certificate string
	wait                time.Duration
}

// Register makes them flags of a command and of those below it.
func (f *NodeFlags) Register(command *cobra.Command) {
	flags := command.PersistentFlags()
	f.Command = command
	flags.StringVar(&f.URL, "bitcoin", cmp.Or(os.Getenv("AQSHA_BITCOIN"), os.Getenv(formerEnv)),
		"Bitcoin node's RPC: http://host:port with --cookie, or @FILE that holds http://user:password@host:port "+
			"(default $AQSHA_BITCOIN)")
	flags.Lookup("bitcoin").DefValue = "" // help shows no password of the environment
	cli.Formerly(flags, "bitcoin", "node")
	flags.StringVar(&f.cookie, "cookie", "", "Bitcoin Core's .cookie file, instead of user and password")
	flags.StringVar(&f.certificate, "node-cert", "", "PEM certificate of a node with TLS (btcd's rpc.cert)")
	flags.DurationVar(&f.wait, "wait", 0, "keep trying this long until the node answers")
}

// Dial makes a client and learns the node's network.
func (f *NodeFlags) Dial(ctx context.Context) (*bitcoin.Client, bitcoin.Network, error) {
	until := time.Now().Add(f.wait)
	for {
		client, network, err := f.dialOnce(ctx)
		var usage cli.UsageError
		if err == nil || !time.Now().Before(until) || errors.As(err, &usage) && !errors.Is(err, os.ErrNotExist) {
			return client, network, err
		}
		select {
		case <-ctx.Done():
			return nil, bitcoin.Network{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// dialOnce makes a client and asks which network it is on, which also shows that the node answers. With an error
// nothing is open.
func (f *NodeFlags) dialOnce(ctx context.Context) (*bitcoin.Client, bitcoin.Network, error) {
	client, err := f.Client()
	if err != nil {
		return nil, bitcoin.Network{}, err
	}
	network, err := client.Network(ctx)
	if err != nil {
		client.Close()
		return nil, bitcoin.Network{}, err
	}
	return client, network, nil
}

// Client is a client of the node, which has not been asked anything yet.
func (f *NodeFlags) Client() (*bitcoin.Client, error) {
	url, err := cli.SecretURL(f.Command, "--bitcoin", f.URL)
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, cli.Usage(errors.New("no node: give --bitcoin URL or set AQSHA_BITCOIN ('aqsha chain up' starts " +
			"a private one)"))
	}
	client, err := bitcoin.Dial(url, bitcoin.DialOptions{CookieFile: f.cookie, Certificate: f.certificate})
	if err != nil {
		return nil, cli.Usage(err)
	}
	return client, nil
}
