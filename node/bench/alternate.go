package bench

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aqsha/aqsha/token"
)

// rates are medians of runs in which raw verification and commits alternate; the ratios are medians of the runs' own.
type rates struct {
	plain, expanded, committed, transfers, toPlain, toExpanded float64

	stages map[string]float64
}

// alternate measures raw verification of a workload's signatures, then commits it, again and again.
func (r *run) alternate(phase string, runs int, stages bool) (m rates, err error) {
	var plain, expanded, committed, transfers, toPlain, toExpanded []float64
	for i := range runs {
		r.notify(phase, i, runs)
		w := r.workload(r.Transfers, r.TwoOwners)
		all := r.signatures(w)
		library := map[token.PublicKey]*token.LibraryKey{}
		for _, s := range all {
			if library[s.key] == nil {
				if library[s.key], err = token.ExpandKey(s.key); err != nil {
					return m, err
				}
			}
		}
		runtime.GC()
		p, e := rawRate(all, plainBatch), rawRate(all, expandedBatch(library))
		library, all = nil, nil //nolint:wastedassign // the collector takes them before the commit is measured
		runtime.GC()
		seconds, err := r.commit(w)
		if err != nil {
			return m, err
		}
		c := float64(w.signatures) / seconds
		plain, expanded, committed = append(plain, p), append(expanded, e), append(committed, c)
		transfers = append(transfers, float64(len(w.txs))/seconds)
		toPlain, toExpanded = append(toPlain, c/p), append(toExpanded, c/e)
		if stages && i == runs-1 {
			m.stages = r.stages(w)
		}
	}
	m.plain, m.expanded, m.committed, m.transfers = Median(plain), Median(expanded), Median(committed),
		Median(transfers)
	m.toPlain, m.toExpanded = Median(toPlain), Median(toExpanded)
	return m, nil
}

// besideRuns is how many runs the figures beside the main one take.
const besideRuns = 3

// beside measures the same with payees drawn by Zipf's law, or uniformly where that is what was asked for.
func (r *run) beside() error {
	r.Zipf = !r.Zipf
	m, err := r.alternate("measuring the other way of drawing wallets", min(besideRuns, r.Runs), false)
	r.Zipf = !r.Zipf
	r.result.RatioUniform, r.result.RatioZipf = r.result.RatioToPlain, m.toPlain
	if r.Zipf {
		r.result.RatioUniform, r.result.RatioZipf = m.toPlain, r.result.RatioToPlain
	}
	return err
}

// latencyBesideSnapshot measures latency at half load while one snapshot after another is taken.
func (r *run) latencyBesideSnapshot() error {
	stop, taken := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			if err := r.node.Snapshot(); err != nil {
				taken <- err
				return
			}
			select {
			case <-stop:
				taken <- nil
				return
			default:
			}
		}
	}()
	err := r.latency(0.5, &r.result.SnapshotLoad)
	close(stop)
	return errors.Join(err, <-taken)
}

// grow makes the live state larger and measures again.
func (r *run) grow() error {
	if r.GrowTo <= r.people.paidOut {
		return nil
	}
	if err := r.reopen(true); err != nil {
		return err
	}
	if err := r.people.fund(r.ctx, r.node, r.Options, r.GrowTo-r.people.paidOut, r.notify); err != nil {
		return err
	}
	m, err := r.alternate("measuring the grown state", min(besideRuns, r.Runs), false)
	r.result.GrownLiveTokens, r.result.RatioGrown = r.GrowTo, m.toPlain/r.result.RatioToPlain
	return err
}

// restart measures how long the node takes to serve again: from its newest snapshot, and from the log alone. The
// system's cache is as the run left it, warm.
func (r *run) restart() error {
	r.notify("restarting", 0, 2)
	if err := r.node.Close(); err != nil {
		return err
	}
	start := time.Now()
	r.node = nil
	if err := r.reopen(true); err != nil {
		return err
	}
	r.result.RestartSeconds = time.Since(start).Seconds()
	if err := r.node.Close(); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(r.config.Dir, "snapshots")); err != nil {
		return err
	}
	r.notify("restarting", 1, 2)
	start = time.Now()
	r.node = nil
	if err := r.reopen(true); err != nil {
		return err
	}
	r.result.ReplayPerSecond = float64(r.node.Head().Size) / time.Since(start).Seconds()
	return nil
}
