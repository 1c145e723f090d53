package miningcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/zmq"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/logcopy"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// poolEnds are the clients of a pool's nodes and wallet.
type poolEnds struct {
	network bitcoin.Network
	nodes   []*bitcoin.Client
	payer   *bitcoin.Client
}

func (up *poolUp) ends(ctx context.Context) (ends poolEnds, err error) {
	// Addresses that cannot be are said before a node is asked, which may be waited for.
	if up.zmq != "" {
		if _, err := zmq.ParseAddress(up.zmq); err != nil {
			return ends, cli.Usage(fmt.Errorf("--zmq: %w", err))
		}
	}
	for _, other := range up.others {
		if other, err = cli.SecretURL(up.node.Command, "--second-node", other); err != nil {
			return ends, err
		}
		second, err := bitcoin.Dial(other, bitcoin.DialOptions{})
		if err != nil {
			return ends, cli.Usage(fmt.Errorf("--second-node: %w", err))
		}
		ends.nodes = append(ends.nodes, second)
	}
	if up.wallet != "" {
		payer, err := cli.SecretURL(up.node.Command, "--wallet", up.wallet)
		if err != nil {
			return ends, err
		}
		if ends.payer, err = bitcoin.Dial(payer, bitcoin.DialOptions{}); err != nil {
			return ends, cli.Usage(fmt.Errorf("--wallet: %w", err))
		}
	}
	client, network, err := up.node.Dial(ctx)
	if err != nil {
		return ends, err
	}
	ends.network, ends.nodes = network, append([]*bitcoin.Client{client}, ends.nodes...)
	return ends, nil
}

// serve runs the pool, one life after another: a life ends for good, or by handing over to a successor; if that one
// cannot begin, the next life takes the same connections up again.
func (up *poolUp) serve(command *cobra.Command) error {
	ctx := command.Context()
	logger, err := cli.NewLogger(command, command.ErrOrStderr())
	if err != nil {
		return err
	}
	// Whatever can be wrong with the flags or the node is found before a running pool is asked to end.
	ends, err := up.ends(ctx)
	if err != nil {
		return err
	}
	if _, err := ends.network.PayTo(up.config.Operator); err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	var from *handover.Handover
	var beforehand *poolPreparation
	if up.replace {
		if beforehand, err = up.prepare(ctx, ends, logger); err != nil {
			return err
		}
		if from, err = handover.TakeOver(ctx, up.socket()); err != nil && !isAbsent(err) {
			return err
		}
	}
	for {
		left, successor, err := up.live(command, ends, from, beforehand, logger)
		beforehand = nil
		if err != nil || left == nil {
			if err == nil || from == nil { // else the predecessor goes on
				_ = os.Remove(filepath.Join(up.dir, "pool.url"))
			}
			return err
		}
		if err := left.SendTo(ctx, successor); err == nil {
			logger.Info("another process serves the pool now", "connections", left.Connections())
			left.Close()
			left.Wait(ctx)
			return nil
		} else if ctx.Err() != nil {
			return err
		} else {
			logger.Error("the successor does not serve; this process goes on", "error", err)
		}
		from = left
	}
}

// isAbsent tells whether nobody listens at a socket.
func isAbsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// live is one life of the pool. It returns what it leaves and to whom, if somebody asked for it.
func (up *poolUp) live(command *cobra.Command, ends poolEnds, from *handover.Handover, beforehand *poolPreparation,
	logger *slog.Logger) (left *handover.Handover, successor *net.UnixConn, err error) {
	ctx, cancel := context.WithCancel(command.Context())
	defer cancel()
	if from != nil {
		defer from.Close() // what nobody has taken
	}
	listeners, addresses, err := up.listeners(ctx, logger, from)
	if err != nil {
		return nil, nil, err
	}
	news, err := up.blockNews(ctx, logger)
	if err != nil {
		return nil, nil, err
	}
	log, err := openPoolLogAfter(up.dir, up.name, true, beforehand.log())
	if err != nil {
		return nil, nil, err
	}
	defer log.Close()
	public, err := durable.Read(vfs.OS, filepath.Join(up.dir, "log.pub"), 4096)
	if err != nil {
		return nil, nil, fmt.Errorf("the log's public key: %w", err)
	}
	tags, err := poolTags(up.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("the log's key: %w", err)
	}
	p, err := pool.Open(ctx, up.config, pool.Options{TagSecret: tags, Mirror: up.newestOf(string(public)),
		LogKey: string(public), Network: ends.network, Nodes: ends.nodes, Log: log, Logger: logger,
		BooksFile: filepath.Join(up.dir, "books.sqlite"), Wallet: ends.payer,
		PaymentsDir: filepath.Join(up.dir, "payments"),
		BlocksDir:   filepath.Join(up.dir, "blocks"), Peers: up.peers, News: news, Prepared: beforehand.records()})
	beforehand.close()
	if err != nil {
		return nil, nil, err
	}
	web, webListener, err := up.serveHTTP(ctx, p, from, logger)
	if err != nil {
		return nil, nil, err
	}
	if web != nil {
		defer web.Close()
	}
	successors := make(chan *net.UnixConn, 1)
	adminEnded, err := up.serveAdmin(ctx, p, logger, successors)
	if err != nil {
		return nil, nil, err
	}
	defer func() { cancel(); <-adminEnded }() // its socket's name is free for the successor's
	if err := durable.Replace(vfs.OS, filepath.Join(up.dir, "pool.url"),
		[]byte("stratum+tcp://"+addresses[0]+"\n")); err != nil {
		return nil, nil, err
	}
	if err := up.announce(command, p, from, addresses, webListener); err != nil {
		return nil, nil, err
	}
	stopPaying, err := up.pay(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	leave := make(chan struct{}, 1)
	go func() {
		select {
		case <-ctx.Done():
		case successor = <-successors:
			stopPaying() // no payment is begun that another process would find half done
			leave <- struct{}{}
		}
	}()
	if left, err = p.RunUntil(ctx, leave, listeners...); left == nil {
		return nil, nil, err
	}
	if web != nil {
		err = errors.Join(err, left.AddListener(up.httpName(), webListener))
		finish, done := context.WithTimeout(ctx, time.Second)
		_ = web.Shutdown(finish)
		done()
	}
	return left, successor, err
}

// newestOf asks the mirror of the log, if there is one.
func (up *poolUp) newestOf(key string) func(context.Context) (txlog.Checkpoint, error) {
	if up.mirror == "" {
		return nil
	}
	return func(ctx context.Context) (txlog.Checkpoint, error) { return logcopy.Newest(ctx, up.mirror, key) }
}

// announce says what runs, and takes the miners over. From the word to the predecessor on they are this process's.
func (up *poolUp) announce(command *cobra.Command, p *pool.Pool, from *handover.Handover, addresses []string,
	web net.Listener) error {
	started := map[string]any{"listen": addresses, "network": p.Network().Name, "scheme": up.config.Scheme,
		"in_coinbase": up.config.PayInCoinbase}
	if web != nil {
		started["http"] = web.Addr().String()
	}
	if from != nil {
		started["taken_over"], started["entries_read"] = from.Connections(), p.Replayed()
		if err := p.Adopt(from); err != nil {
			return err
		}
		_ = from.Confirm() // one that has died meanwhile needs no word
	}
	return cli.Show(command, started, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("pool.up", "network", p.Network().Name, "scheme", up.config.Scheme, "addresses",
			addresses))
		if from != nil {
			fmt.Fprintln(w, l.Text("pool.taken-over", "connections", from.Connections(), "entries", p.Replayed()))
		}
	})
}

// pay begins to pay users from the wallet, if that is wanted. Stop returns when no payment is under way.
func (up *poolUp) pay(ctx context.Context, p *pool.Pool) (stop func(), err error) {
	if up.payEvery <= 0 {
		return func() {}, nil
	}
	options, err := up.payOptions()
	if err != nil {
		return nil, cli.Usage(err)
	}
	paying, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		p.PayEvery(paying, up.payEvery, options)
	})
	return func() { cancel(); ended.Wait() }, nil
}
