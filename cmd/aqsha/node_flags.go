package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/spf13/cobra"
)

// nodeFlags are how every command that talks to a Bitcoin node is told where it is.
type nodeFlags struct {
	url, cookie, certificate string
	wait                     time.Duration
}

const maxNodeFile = 4 << 10

func (f *nodeFlags) register(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringVar(&f.url, "node", os.Getenv("AQSHA_NODE"), "node's RPC, http://user:password@host:port, or @FILE that holds it (default $AQSHA_NODE)")
	flags.StringVar(&f.cookie, "cookie", "", "Bitcoin Core's .cookie file, instead of user and password")
	flags.StringVar(&f.certificate, "node-cert", "", "PEM certificate of a node with TLS (btcd's rpc.cert)")
	flags.DurationVar(&f.wait, "wait", 0, "keep trying this long until the node answers")
}

// dial makes a client and learns the node's network.
func (f *nodeFlags) dial(ctx context.Context) (*bitcoin.Client, bitcoin.Network, error) {
	until := time.Now().Add(f.wait)
	for {
		client, network, err := f.dialOnce(ctx)
		var usage usageError
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

func (f *nodeFlags) dialOnce(ctx context.Context) (*bitcoin.Client, bitcoin.Network, error) {
	client, err := f.client()
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

func (f *nodeFlags) client() (*bitcoin.Client, error) {
	url, err := textOrFile(f.url)
	if err != nil {
		return nil, usageError{fmt.Errorf("--node: %w", err)}
	}
	if url == "" {
		return nil, usageError{errors.New("no node: give --node URL or set AQSHA_NODE ('aqsha chain up' starts a private one)")}
	}
	client, err := bitcoin.Dial(url, bitcoin.DialOptions{CookieFile: f.cookie, Certificate: f.certificate})
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// textOrFile returns a flag's text, or the first line of the file it names after an @.
func textOrFile(text string) (string, error) {
	name, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return text, nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if len(raw) > maxNodeFile {
		return "", fmt.Errorf("%s is longer than %d bytes", name, maxNodeFile)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimSpace(line), nil
}
