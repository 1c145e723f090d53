package minebench

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/localca"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog"
)

// servePoolBench is the measured side: a whole pool, but for the node. It answers one JSON line to
// each line of its standard input.
func servePoolBench(command *cobra.Command, dir string) error {
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "bench.pool"})
	if err != nil {
		return err
	}
	defer log.Close()
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		return err
	}
	config := settings.Defaults()
	config.Operator = strings.TrimSuffix(benchUser, ".bench")
	// Every hash is a share at this difficulty, and vardiff has nothing to find.
	config.MinDifficulty, config.StartDifficulty, config.MaxDifficulty = 1.0/(1<<34), 1.0/(1<<34), 1.0/(1<<34)
	config.MaxPerIP = config.MaxConnections
	p, err := pool.Open(command.Context(), config, pool.Options{Network: network, Log: log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(command.Context())
	defer cancel()
	ended := make(chan error, 1)
	secure, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	certificate, err := localca.SelfSigned()
	if err != nil {
		return err
	}
	go func() {
		ended <- p.Run(ctx, serve.Listener{Net: listener},
			serve.Listener{Net: secure, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	}()
	template := benchTemplate()
	if err := p.Offer(template, time.Now()); err != nil {
		return err
	}
	answers := json.NewEncoder(command.OutOrStdout())
	if err := answers.Encode(benchAnswer{Address: listener.Addr().String(), TLS: secure.Addr().String()}); err != nil {
		return err
	}
	if err := answerQuestions(command, p, template, answers); err != nil {
		return err
	}
	cancel()
	return <-ended
}

// answerQuestions answers the measuring side, line by line, until it ends its side: state is what the pool used and
// has, job gives the miners new work and says when.
func answerQuestions(
	command *cobra.Command,
	p *pool.Pool,
	template *bitcoin.Template,
	answers *json.Encoder,
) (err error) {
	questions := bufio.NewScanner(command.InOrStdin())
	for questions.Scan() {
		var answer benchAnswer
		switch questions.Text() {
		case "state":
			// What the process would give back if it were asked: else the figure is of the collector's timing.
			debug.FreeOSMemory()
			answer, err = benchState(p)
		case "job":
			next := *template
			_, _ = rand.Read(next.Previous[:])
			next.Height++
			template = &next
			now := time.Now()
			answer.At, err = now.UnixNano(), p.Offer(template, now)
		default:
			err = fmt.Errorf("question %q", questions.Text())
		}
		if err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return questions.Err()
}

// benchTemplate is a synthetic template of a full block's shape: 12 levels of merkle branch, a
// witness commitment, network difficulty 2^40 so that no share is a block.
func benchTemplate() *bitcoin.Template {
	t := &bitcoin.Template{
		Version: 0x20000000, Height: 900_000, Bits: 0x1800ffff, CurTime: uint32(time.Now().Unix()),
		CoinbaseValue: 3 * money.Bitcoin, Fees: money.Bitcoin / 10,
		Commitment: new(bitcoin.Hash),
	}
	t.MinTime = t.CurTime - 600
	t.Target, _ = bitcoin.TargetOfBits(t.Bits)
	_, _ = rand.Read(t.Previous[:])
	_, _ = rand.Read(t.Commitment[:])
	for range 12 {
		var sibling bitcoin.Hash
		_, _ = rand.Read(sibling[:])
		t.Branch = append(t.Branch, sibling)
	}
	return t
}

// benchState is the process's own processor time and memory.
func benchState(p *pool.Pool) (benchAnswer, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return benchAnswer{}, err
	}
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return benchAnswer{}, err
	}
	var size, resident float64
	if _, err := fmt.Sscan(string(raw), &size, &resident); err != nil {
		return benchAnswer{}, err
	}
	return benchAnswer{
		CPUSeconds: time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds(),
		RSSBytes:   resident * float64(os.Getpagesize()),
		Accepted:   p.Stats(time.Now()).Accepted,
	}, nil
}
