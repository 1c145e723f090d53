package devnet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/freeport"
)

// Options of a private network.
type Options struct {
	Binary  string // btcd's path; empty means Find in PATH
	Dir     string // data directory, made if absent
	Network string // "regtest" or "simnet"; empty means regtest
}

// Node is a running btcd. Its methods may be used by several goroutines; waitErr is read only after exited is closed.
type Node struct {
	URL    string // http://user:password@127.0.0.1:port
	Client *bitcoin.Client
	Dir    string

	process *exec.Cmd
	exited  chan struct{} // closed when the child has ended and waitErr is set
	waitErr error
}

const (
	// A node of an empty chain answers within a second or two; a machine that runs many tests is given more. One that
	// does not end when asked is killed after stopTimeout.
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// Start runs btcd and waits until its RPC answers. The child ends with ctx or Stop.
func Start(ctx context.Context, options Options) (*Node, error) {
	if options.Network == "" {
		options.Network = "regtest"
	}
	if options.Network != "regtest" && options.Network != "simnet" {
		return nil, fmt.Errorf("network %q: a private network is regtest or simnet", options.Network)
	}
	binary, err := Find(options.Binary)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, err
	}
	// The port is free now and may be taken a moment later, so a failed start is tried again.
	for try := 1; ; try++ {
		node, err := start(ctx, binary, options)
		if err == nil || try == 3 || ctx.Err() != nil {
			return node, err
		}
	}
}

// start tries once, on a port of its own. The network's chain is in the directory, so that a further try goes on with
// it.
func start(ctx context.Context, binary string, options Options) (*Node, error) {
	port, err := freeport.Port()
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	// The password goes into a file, for a command line is visible to every user.
	config := filepath.Join(options.Dir, "btcd.conf")
	lines := []string{
		"[Application Options]", options.Network + "=1", "datadir=" + filepath.Join(options.Dir, "data"),
		"logdir=" + filepath.Join(options.Dir, "logs"), "rpcuser=aqsha", "rpcpass=" + password, "notls=1", "nolisten=1",
		fmt.Sprintf("rpclisten=127.0.0.1:%d", port), "txindex=1", "relaynonstd=1", "nodnsseed=1", "debuglevel=warn", "",
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return nil, err
	}
	node := &Node{
		URL: fmt.Sprintf("http://aqsha:%s@127.0.0.1:%d", password, port), Dir: options.Dir,
		process: exec.Command(binary, "--configfile="+config), exited: make(chan struct{}),
	}
	if node.Client, err = bitcoin.Dial(node.URL, bitcoin.DialOptions{}); err != nil {
		return nil, err
	}
	if err := node.run(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	if err := node.waitReady(ctx); err != nil {
		return nil, errors.Join(err, node.Stop())
	}
	context.AfterFunc(ctx, func() { _ = node.Stop() })
	return node, nil
}

func (n *Node) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		_, err := n.Client.Tip(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-n.exited:
			return fmt.Errorf("btcd ended at start: %v; see %s", n.waitErr, filepath.Join(n.Dir, "logs"))
		case <-ctx.Done():
			return fmt.Errorf("btcd does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Exited is closed when the child has ended, by itself or by Stop.
func (n *Node) Exited() <-chan struct{} { return n.exited }

// Stop asks the child to end, and kills it when it does not within 10 s. To stop it again does nothing: the end of
// Start's context and a test's clean-up may both do it.
func (n *Node) Stop() error {
	n.Client.Close()
	_ = n.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.exited:
	case <-time.After(stopTimeout):
		_ = n.process.Process.Kill()
		<-n.exited
	}
	return nil
}

// Kill ends the child at once, as a crash would.
func (n *Node) Kill() {
	_ = n.process.Process.Kill()
	<-n.exited
}

// Pause and Resume freeze the child, as a hung node would be.
func (n *Node) Pause() error { return n.process.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused child go on.
func (n *Node) Resume() error { return n.process.Process.Signal(syscall.SIGCONT) }
