package minebench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/fleet"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// TLS is loaded with a few connections of many shares in flight.
const (
	tlsLoadConnections = 10
	tlsWindow          = 100
)

// sharesTLS measures shares per CPU-second of the pool when they come over TLS.
func (b *benchPool) sharesTLS(ctx context.Context, duration time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, duration+30*time.Second)
	defer cancel()
	before, err := b.query("state")
	if err != nil {
		return 0, err
	}
	until := time.Now().Add(duration)
	var counted atomic.Uint64
	failed := make([]error, tlsLoadConnections)
	var all sync.WaitGroup
	for i := range tlsLoadConnections {
		all.Go(func() { failed[i] = b.loadTLS(ctx, uint32(i), until, &counted) })
	}
	all.Wait()
	after, err := b.query("state")
	if err = errors.Join(err, errors.Join(failed...)); err != nil {
		return 0, err
	}
	if logged := after.Accepted - before.Accepted; logged != counted.Load() {
		return 0, fmt.Errorf("the pool logged %d shares over TLS and answered %d", logged, counted.Load())
	}
	return float64(counted.Load()) / (after.CPUSeconds - before.CPUSeconds), nil
}

// loadTLS submits shares on one connection; at the pool's difficulty every hash is one.
func (b *benchPool) loadTLS(ctx context.Context, number uint32, until time.Time, counted *atomic.Uint64) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // our own child, see memoryTLS
	c, err := dialer.DialContext(ctx, "tcp", b.tls)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err := io.WriteString(c, `{"id":1,"method":"mining.subscribe","params":[]}`+"\n"+
		`{"id":2,"method":"mining.authorize","params":["`+benchUser+`","x"]}`+"\n"); err != nil {
		return err
	}
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, stratum.MaxPoolLine)
	var m stratum.Message
	var job *stratum.Notify
	for job == nil && lines.Scan() {
		if err := m.ParsePool(lines.Bytes()); err != nil {
			return err
		}
		if string(m.Method) == "mining.notify" {
			if job, err = m.ParseNotify(); err != nil {
				return err
			}
		}
	}
	if job == nil {
		return errors.Join(lines.Err(), errors.New("no job over TLS"))
	}
	nonce := number << 24
	var out []byte
	for time.Now().Before(until) {
		out = out[:0]
		for range tlsWindow {
			nonce++
			out = fmt.Appendf(out,
				`{"id":9,"method":"mining.submit","params":["%s","%s","0000000000000000","%08x","%08x"]}`+"\n",
				benchUser, job.JobID, job.Time, nonce)
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
		for answered := 0; answered < tlsWindow; {
			if !lines.Scan() {
				return errors.Join(lines.Err(), io.ErrUnexpectedEOF)
			}
			if err := m.ParsePool(lines.Bytes()); err != nil {
				return err
			}
			if string(m.ID) != "9" {
				continue
			}
			answered++
			if string(m.Result) != "true" {
				return fmt.Errorf("a share over TLS: %s", m.Error)
			}
			counted.Add(1)
		}
	}
	return nil
}

// creditedOverHashed is the part of a modelled fleet's work that is credited: forty minutes of
// mixed firmware on a network with a block each ten seconds, in virtual time.
func creditedOverHashed(dir string) (float64, error) {
	log, err := txlog.Open(filepath.Join(dir, "fleet"), txlog.Options{Origin: "bench.fleet"})
	if err != nil {
		return 0, err
	}
	defer log.Close()
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		return 0, err
	}
	const rate = 200 // hashes per second: what counts is how they are credited
	config := settings.Defaults()
	config.Operator, config.Loops = strings.TrimSuffix(benchUser, ".bench"), 1
	config.StartDifficulty, config.MinDifficulty = rate*5*65535.0/(1<<48), rate*65535.0/(1<<48)/1e6
	p, err := pool.Open(context.Background(), config, pool.Options{Network: network, Log: log})
	if err != nil {
		return 0, err
	}
	result, err := fleet.Simulate(p, fleet.Options{
		Seed: 1, Devices: 50, Blocks: 10 * time.Second, Length: 40 * time.Minute, Start: time.Unix(1_800_000_000, 0),
		Rate: rate,
		User: func(int) string { return config.Operator }, Kernel: sha256d.Fastest(),
	})
	if err != nil {
		return 0, err
	}
	if result.Lost > 0 || len(result.Refused) > 0 {
		return 0, fmt.Errorf("the modelled fleet lost %d blocks; refused: %v", result.Lost, result.Refused)
	}
	return result.CreditedOverHashed(), nil
}
