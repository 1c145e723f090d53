package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
)

// Solo mines on a node's own templates; every block pays the user's address alone.
type Solo struct {
	Client *bitcoin.Client
	Script []byte // pays the user
	Tag    string // text in the coinbase
	Log    *slog.Logger
	Blocks int                     // stop after this many; 0: never
	Watch  bitcoin.WatchOptions    // how templates are followed
	Found  func(hash bitcoin.Hash) // called for each accepted block; may be nil
}

// soloExtranonce is how many bytes of the coinbase the miner counts in by himself.
const soloExtranonce = 8

type soloJob struct {
	template *bitcoin.Template
	parts    bitcoin.CoinbaseParts
}

// Run feeds the engine until ctx ends or Blocks are found.
func (s *Solo) Run(ctx context.Context, engine *Engine, stats *Stats) error {
	stats.setSource(s.Client.Endpoint(), "")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := map[*Job]soloJob{}
	var tip bitcoin.Hash
	updates := s.Client.Watch(ctx, s.Watch)
	found := 0
	for {
		select {
		case update, ok := <-updates:
			if !ok {
				return nil
			}
			stats.setAlive(update.Err == nil)
			if update.Err != nil {
				if errors.Is(update.Err, bitcoin.ErrUnauthorized) {
					return update.Err
				}
				s.Log.Warn("no template", "error", update.Err)
				continue
			}
			if update.Template.Previous != tip {
				tip = update.Template.Previous
				clear(jobs)
			}
			job, one, err := s.job(update.Template)
			if err != nil {
				return err
			}
			jobs[job] = one
			stats.newJob(job.Difficulty)
			engine.Set(job)
		case share, ok := <-engine.Shares():
			if !ok {
				return nil
			}
			one, current := jobs[share.Job]
			if !current || !share.Job.solved.CompareAndSwap(false, true) {
				continue // the block before it is no longer the tip, or the job is solved
			}
			if s.submit(ctx, share, one, stats) {
				if found++; found == s.Blocks {
					return nil
				}
			}
		}
	}
}

// job makes work of a template: the whole reward goes to the one script, and a share is a block.
func (s *Solo) job(t *bitcoin.Template) (*Job, soloJob, error) {
	parts, err := bitcoin.Coinbase{
		Height: t.Height, Aux: t.CoinbaseAux, Extranonce: soloExtranonce, Tag: []byte(s.Tag),
		Outputs: []bitcoin.Output{{Value: t.CoinbaseValue, Script: s.Script}}, Commitment: t.CommitmentScript(),
	}.Parts()
	if err != nil {
		return nil, soloJob{}, fmt.Errorf("height %d: %w", t.Height, err)
	}
	return &Job{
		ID: fmt.Sprint(t.Height), Head: parts.Head, Tail: parts.Tail, Extranonce2Size: soloExtranonce, Branch: t.Branch,
		Version: t.Version, Bits: t.Bits, Time: max(t.CurTime, t.MinTime), Previous: t.Previous, Target: t.Target,
		Difficulty: t.Target.Difficulty(),
	}, soloJob{t, parts}, nil
}

// handInFor is how long a node that does not answer is asked to take a block.
const handInFor = time.Minute

// handIn submits a block until the node answers, also when the miner is being stopped.
func (s *Solo) handIn(ctx context.Context, block []byte) (bitcoin.Verdict, string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handInFor)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		verdict, reason, err := s.Client.Submit(ctx, block)
		if err == nil || errors.Is(err, bitcoin.ErrUnauthorized) || ctx.Err() != nil {
			return verdict, reason, err
		}
		s.Log.Warn("block not handed in yet", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// submit hands a block in and says whether it was taken. When no node could be reached it is lost: a miner alone keeps
// no journal of blocks, which a pool does.
func (s *Solo) submit(ctx context.Context, share *Share, one soloJob, stats *Stats) bool {
	stats.found(share.Difficulty())
	block := one.template.Block(share.unit.header(share.Nonce), one.parts.WithWitness(share.unit.coinbase()))
	verdict, reason, err := s.handIn(ctx, block)
	switch {
	case err != nil:
		s.Log.Error("block not handed in", "hash", share.Hash, "error", err)
		stats.reject("node unreachable", share.Job.Difficulty)
		return false
	case verdict == bitcoin.Rejected:
		s.Log.Error("block rejected", "hash", share.Hash, "reason", reason)
		stats.reject(reason, share.Job.Difficulty)
		return false
	}
	stats.accept(share.Job.Difficulty, time.Now())
	stats.block()
	s.Log.Info("block found", "height", one.template.Height, "hash", share.Hash, "verdict", verdict)
	if s.Found != nil {
		s.Found(share.Hash)
	}
	return true
}
