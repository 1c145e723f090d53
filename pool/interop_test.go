package pool_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
)

// interopMiner is a program of others that mines.
type interopMiner struct {
	name   string
	args   func(address, user string) []string
	hashes bool // without hardware of its own
}

var interopMiners = []interopMiner{
	{"minerd", func(address, user string) []string {
		return []string{"-a", "sha256d", "-o", "stratum+tcp://" + address, "-u", user, "-p", "x", "-t", "1"}
	}, true},
	{"bfgminer", func(address, user string) []string {
		return []string{"-o", "stratum+tcp://" + address, "-u", user, "-p", "x", "-S", "cpu:auto", "--cpu-threads", "1", "--algo", "c", "-T"}
	}, true},
	{"cgminer", func(address, user string) []string {
		return []string{"-o", "stratum+tcp://" + address, "-u", user, "-p", "x", "-T"}
	}, false},
}

// said gathers what a program prints.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.Bytes()
	return string(text[max(0, len(text)-2000):])
}

// Programs that the world mines with, on bitcoind's signet, whose blocks are harder than a share: shares are
// accepted, none is refused that is not of a block that has gone, and a block is found, which pays the miner. One
// without a device of its own shows that it logs in and stays.
func TestInterop(t *testing.T) {
	for _, m := range interopMiners {
		t.Run(m.name, func(t *testing.T) {
			binary := filepath.Join(testnode.Tools(), m.name)
			if _, err := os.Stat(binary); err != nil {
				t.Skipf("skipped, %s is not here: make interop builds it", m.name)
			}
			mineWithProgram(t, m, binary)
		})
	}
}

func mineWithProgram(t *testing.T, m interopMiner, binary string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	node := testnode.CoreWith(t, "signet", "-listen=0", "-connect=0", "-signetchallenge=51")
	network, err := node.Client.Network(ctx)
	if err != nil {
		t.Fatal(err)
	}
	config := settings.Defaults()
	config.Operator, config.Loops, config.Scheme, config.PayInCoinbase = payees["signet"], 1, "solo", true
	config.StartDifficulty, config.MinDifficulty, config.SharesPerMinute = 2e-5, 1e-5, 600
	p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: network, Nodes: []*bitcoin.Client{node.Client}})
	user := payees["signet"] + "." + m.name
	eventually(t, "a job", func() bool { return p.Stats(time.Now()).Height > 0 })
	var out said
	miner := exec.CommandContext(ctx, binary, m.args(p.address, user)...)
	miner.Stdout, miner.Stderr = &out, &out
	if err := miner.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = miner.Process.Kill(); _ = miner.Wait() }()
	var session serve.Session
	await := func(what string, is func() bool) {
		t.Helper()
		for !is() {
			if time.Sleep(100 * time.Millisecond); ctx.Err() != nil {
				t.Fatalf("never: %s; %s has said\n%s", what, m.name, out.tail())
			}
		}
	}
	await("it has logged in", func() bool {
		list, _, err := p.Sessions(ctx, serve.Selector{Worker: user}, 1)
		if err != nil || len(list) == 0 {
			return false
		}
		session = list[0]
		return true
	})
	if !m.hashes {
		time.Sleep(3 * time.Second) // it might take offence at a job
		list, _, err := p.Sessions(ctx, serve.Selector{Worker: user}, 1)
		if err != nil || len(list) != 1 || !list[0].Connected.Equal(session.Connected) {
			t.Errorf("%+v, %v; %s", list, err, out.tail())
		}
		t.Logf("%s has logged in and stays; it has no device here, so it finds nothing", session.Agent)
		return
	}
	await("a share and a block", func() bool {
		s := p.Stats(time.Now())
		return s.Accepted >= 30 && len(p.Blocks()) > 0
	})
	s := p.Stats(time.Now())
	if s.Rejected*20 > s.Accepted {
		t.Errorf("%d shares accepted, %d refused; %s", s.Accepted, s.Rejected, out.tail())
	}
	block, err := node.Client.Block(ctx, network, "1")
	if err != nil || block.Transactions[0].Payments[0].Recipient != payees["signet"] {
		t.Errorf("block 1: %+v, %v", block, err)
	}
	t.Logf("%s: %d shares accepted, %d refused, %d blocks", session.Agent, s.Accepted, s.Rejected, len(p.Blocks()))
}
