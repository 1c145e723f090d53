package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/relay"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/worker"
)

// source is a node with what it says. Every node is asked all the time, so that the next one can stand in at once and
// none is asked anew for having been left. latest is read by whoever looks at all nodes, hence atomic.
type source struct {
	node    *bitcoin.Client
	updates <-chan bitcoin.Update
	latest  atomic.Pointer[bitcoin.Template] // of the node's last good answer
	news    chan bitcoin.Update              // one place; the newest
}

// watch follows the first node that is alive and honest; when it is neither, the next. It ends with ctx. When no node
// is left that may be followed the pool is halted, and tries the first again after a second.
func (p *Pool) watch(ctx context.Context) {
	poll := min(p.config.MaxTemplateAge/4, 5*time.Second)
	nodes := p.nodes.All()
	sources := make([]*source, len(nodes))
	for i, node := range nodes {
		options := bitcoin.WatchOptions{Poll: poll, Retry: 200 * time.Millisecond}
		if i == 0 {
			options.News = p.news
		}
		s := &source{node: node, updates: node.Watch(ctx, options), news: make(chan bitcoin.Update, 1)}
		go s.listen()
		sources[i] = s
	}
	for i := 0; ctx.Err() == nil; i++ {
		followed := sources[i%len(sources)]
		p.nodes.Follow(followed.node)
		err := p.follow(ctx, followed, sources, poll)
		if ctx.Err() != nil {
			return
		}
		p.logger.Warn("node left", "node", followed.node.Endpoint(), "reason", err)
		if i%len(sources) == len(sources)-1 {
			p.Halt(err.Error())
			wait, cancel := context.WithTimeout(ctx, time.Second)
			<-wait.Done()
			cancel()
		}
	}
}

// listen keeps the node's newest update until somebody follows the node. It alone fills news, which has one place, so
// that it never waits for whoever follows.
func (s *source) listen() {
	defer close(s.news)
	for update := range s.updates {
		if update.Err == nil {
			s.latest.Store(update.Template)
		}
		select {
		case <-s.news:
		default:
		}
		s.news <- update
	}
}

var (
	errFrozen = errors.New("node is frozen: its newest template is too old")
	errBehind = errors.New("node is behind another node")
)

// follow turns a node's templates into jobs until the node freezes, falls behind or lies.
func (p *Pool) follow(ctx context.Context, s *source, all []*source, poll time.Duration) error {
	fresh := time.Now()
	check, own := time.NewTicker(poll), time.NewTicker(time.Second)
	defer check.Stop()
	defer own.Stop()
	behind := 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case update, ok := <-s.news:
			if !ok {
				return ctx.Err()
			}
			if update.Err != nil {
				p.logger.Warn("no template", "node", s.node.Endpoint(), "error", update.Err)
				if errors.Is(update.Err, bitcoin.ErrUnauthorized) ||
					errors.As(update.Err, new(*bitcoin.TemplateError)) {
					return update.Err
				}
				continue
			}
			if time.Since(update.Arrived) > p.config.MaxTemplateAge {
				continue // from before it was left
			}
			if err := p.offer(ctx, s.node, update); err != nil {
				return err
			}
			fresh = time.Now()
		case <-check.C:
			if time.Since(fresh) > p.config.MaxTemplateAge {
				return errFrozen
			}
			if behind = p.compareTips(ctx, s, all, behind); behind > behindChecks {
				return errBehind
			}
		case <-own.C:
			if p.missesOurs(s, all) {
				return errBehind
			}
		}
	}
}

// ownBlock is a block of the pool that a node has taken.
type ownBlock struct {
	hash, previous bitcoin.Hash
	taken          time.Time
}

// missesOurs says whether the followed node still works on the parent of the pool's own block, a while after another
// node has taken it and builds on it: the block is known to be good, so no further look is needed.
func (p *Pool) missesOurs(followed *source, all []*source) bool {
	ours, current := p.ours.Load(), p.CurrentJob()
	if ours == nil || current == nil || current.Template.Previous != ours.previous ||
		time.Since(ours.taken) < time.Second {
		return false
	}
	return slices.ContainsFunc(all, func(other *source) bool {
		t := other.latest.Load()
		return other != followed && t != nil && t.Previous == ours.hash
	})
}

// behindChecks is how many looks in a row may find a node behind: blocks take seconds to travel.
const behindChecks = 6

// compareTips counts the looks at which another node has a higher chain with real work. A greater height alone is a
// word; the header must carry the work that it states.
func (p *Pool) compareTips(ctx context.Context, followed *source, all []*source, behind int) int {
	current := p.CurrentJob()
	if current == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, other := range all {
		t := other.latest.Load()
		if other == followed || t == nil || t.Previous == current.Template.Previous ||
			t.Height <= current.Template.Height {
			continue
		}
		header, err := other.node.HeaderOf(ctx, t.Previous)
		if err == nil && header.Check() == nil {
			return behind + 1
		}
	}
	return 0
}

// offer makes a job of a template when it is worth one: a new block, another target on the same
// block (testnets' rule of 20 minutes), or time for new transactions.
func (p *Pool) offer(ctx context.Context, node *bitcoin.Client, update bitcoin.Update) error {
	t, last := update.Template, p.CurrentJob()
	newBlock := last == nil || last.Template.Previous != t.Previous
	newTarget := !newBlock && last.Template.Bits != t.Bits
	if last != nil && !newBlock {
		job.ShareTransactions(t, last.Template)
	}
	if !newBlock && !newTarget && !p.IsHalted() && update.Arrived.Sub(last.Arrived) < p.config.JobInterval {
		return nil
	}
	j := &job.Job{Template: t, Arrived: update.Arrived, Clean: newBlock || newTarget, MinTime: t.MinTime}
	// A job on a tip that is not checked would have miners hash for nothing, or on a chain that somebody made up; and
	// none of its times may lie before the bound that the tip sets, or its block is refused.
	if newBlock {
		tip, edge, err := p.checkTip(ctx, node, t)
		if err != nil {
			return err
		}
		j.MinTime, j.TipTime = max(j.MinTime, edge), tip.Time
		if last != nil {
			j.Previous = last.Template.Previous
		}
	} else {
		j.Previous, j.TipTime = last.Previous, last.TipTime
		if !newTarget {
			j.MinTime = max(j.MinTime, last.MinTime)
		}
	}
	// A share of this scheme is owed its part of mean fees at once: without them no job, rather than one that pays
	// wrong.
	if p.config.Scheme == payout.FPPS {
		if err := p.accounts.KnowFees(ctx, t); err != nil {
			return fmt.Errorf("fees of the last blocks: %w", err)
		}
	}
	least, most := job.EasyTimes(p.network, t.Bits, t.CurTime, j.TipTime)
	j.MinTime, j.MaxTime = max(j.MinTime, least), most
	return p.issue(j)
}

// Offer makes a job of a template that did not come from a node of the pool's own: measurements and
// tests. It must have arrived at the time given.
func (p *Pool) Offer(t *bitcoin.Template, arrived time.Time) error {
	j := &job.Job{Template: t, Arrived: arrived, MinTime: t.MinTime, Clean: true}
	if last := p.CurrentJob(); last != nil {
		j.Previous = last.Previous
		if last.Template.Previous != t.Previous {
			j.Previous = last.Template.Previous
		}
		j.Clean = last.Template.Previous != t.Previous
	}
	return p.issue(j)
}

// checkTip verifies the block that a template builds on, and returns its header and the least time
// that the edges of a difficulty period ask for.
func (p *Pool) checkTip(ctx context.Context, node *bitcoin.Client,
	t *bitcoin.Template) (tip bitcoin.Header, edge uint32, err error) {
	if tip, err = node.HeaderOf(ctx, t.Previous); err != nil {
		return tip, 0, err
	}
	if t.Height > 1 { // the genesis block of some networks carries no work
		if err := tip.Check(); err != nil {
			return tip, 0, fmt.Errorf("node lies: %w", err)
		}
	}
	var start bitcoin.Header
	if t.Height%job.DifficultyPeriod == job.DifficultyPeriod-1 {
		hash, err := node.HashAt(ctx, int(t.Height-job.DifficultyPeriod+1))
		if err != nil {
			return tip, 0, err
		}
		if start, err = node.HeaderOf(ctx, hash); err != nil {
			return tip, 0, err
		}
	}
	return tip, job.EdgeMinTime(t.Height, tip.Time, start.Time), nil
}

// issue completes a job, logs it and sends it out. The record is queued before the job goes out, and the log keeps the
// order of the queue: a share stands behind its job. The job need not be durable when it is sent, since a share of it
// is acknowledged only when both are.
func (p *Pool) issue(j *job.Job) error {
	t := j.Template
	previous := p.CurrentJob()
	j.Seen = p.seen.On(t.Previous)
	if previous != nil && previous.Template.Previous != t.Previous {
		// The tip has come back: a block of ours on it has vanished, which goes out again by itself,
		// and another is worth having.
		j.Seen.Release()
	}
	j.Record = sharelog.Job{
		Number: p.NextJob(), TimeMillis: j.Arrived.UnixMilli(), Height: uint64(t.Height), Previous: t.Previous,
		Version: t.Version, Bits: t.Bits,
		MinTime: j.MinTime, CoinbaseValue: t.CoinbaseValue, Fees: t.Fees, MeanFees: p.accounts.MeanFees(),
		Branch: t.Branch,
	}
	// No payment is chosen between laying the debts out and the job's record.
	err := p.accounts.LayOut(func() error {
		if err := p.layOut(j); err != nil {
			return err
		}
		p.writer.Record(&j.Record)
		return nil
	})
	if err == nil {
		p.Broadcast(j)
	}
	return err
}

// layOut makes the coinbases of a job: one for each class of firmware when miners are paid in it. Sizes stand by class,
// as the handouts do, so that a connection's class is its index.
func (p *Pool) layOut(j *job.Job) error {
	t := j.Template
	if !p.config.PayInCoinbase || p.config.Scheme == payout.SOLO {
		j.Record.Position = p.accounts.Position()
		return p.addVariant(j, "operator", []payout.Laid{{Paid: t.CoinbaseValue}})
	}
	if err := p.accounts.AwaitJobs(); err != nil {
		return err
	}
	position, owed, err := p.accounts.Split(p.config.Scheme, p.feePPM.Load(), t, p.registry.ScriptOf)
	if err != nil {
		return err
	}
	j.Record.Position = position
	base, err := p.coinbase(t, j.Record.Number, []payout.Laid{{Paid: t.CoinbaseValue}})
	if err != nil {
		return err
	}
	for i, size := range p.config.Sizes() {
		// A count of outputs above 252 takes two bytes more.
		laid := payout.Lay(t.CoinbaseValue, owed, size-base.Size()-2)
		if err := p.addVariant(j, settings.Classes[i].Name, laid); err != nil {
			return err
		}
	}
	return nil
}

// coinbase makes a job's coinbase. laid begins with the operator, who has an output of what is left even where that is
// nothing and nobody else has one. The tag in it is how a block is found again that the log has lost (package
// reconcile).
func (p *Pool) coinbase(t *bitcoin.Template, number uint64, laid []payout.Laid) (bitcoin.CoinbaseParts, error) {
	tag := job.Tag(p.tagger, t.Previous, number)
	c := bitcoin.Coinbase{
		Height: t.Height, Aux: slices.Concat(t.CoinbaseAux, tag), Extranonce: job.Extranonce1Size + job.Extranonce2Size,
		Tag: []byte(p.config.Tag), Commitment: t.CommitmentScript(),
	}
	for _, l := range laid {
		if l.Paid == 0 && (l.User != 0 || len(laid) > 1) {
			continue
		}
		script := p.operator
		if l.User != 0 {
			script = p.registry.ScriptOf(l.User)
		}
		c.Outputs = append(c.Outputs, bitcoin.Output{Value: l.Paid, Script: script})
	}
	return c.Parts()
}

// addVariant lays out one more coinbase of a job, and puts its payees and amounts into the job's record: what a block
// pays can be held against it.
func (p *Pool) addVariant(j *job.Job, name string, laid []payout.Laid) error {
	parts, err := p.coinbase(j.Template, j.Record.Number, laid)
	if err != nil {
		return err
	}
	variant := sharelog.Variant{Name: name, Head: parts.Head, Tail: parts.Tail, Witness: parts.HasWitness}
	for _, l := range laid {
		variant.Payees = append(variant.Payees, sharelog.Payee{User: l.User, Amount: l.Paid, Debt: l.Debt})
	}
	j.Record.Variants = append(j.Record.Variants, variant)
	j.Handouts = append(j.Handouts, job.NewHandout(j, j.Record.Number, uint64(len(j.Handouts)), parts))
	return nil
}

// soloHandout makes a coinbase that pays one user, under a job record of its own, which enters the
// log with its first share. Nil when it cannot be made.
func (p *Pool) soloHandout(j *job.Job, w *worker.Worker, user uint64) *job.Handout {
	fee := payout.Fee(j.Template.CoinbaseValue, p.feePPM.Load())
	laid := []payout.Laid{{Paid: fee}, {User: user, Paid: j.Template.CoinbaseValue - fee}}
	record := j.Record
	record.Number = p.NextJob()
	parts, err := p.coinbase(j.Template, record.Number, laid)
	if err != nil {
		p.logger.Error("no solo coinbase", "user", w.Address, "error", err)
		return nil
	}
	record.Variants = []sharelog.Variant{{Name: w.Address, Head: parts.Head, Tail: parts.Tail,
		Witness: parts.HasWitness}}
	for _, l := range laid {
		record.Variants[0].Payees = append(record.Variants[0].Payees, sharelog.Payee{User: l.User, Amount: l.Paid,
			Debt: l.Debt})
	}
	h := job.NewHandout(j, record.Number, 0, parts)
	h.Record = &record
	return h
}

// solved hands a block to the network, at once and before anything else. It is called on a loop's goroutine and does
// not wait.
func (p *Pool) solved(h *job.Handout, extranonce []byte, raw [bitcoin.HeaderSize]byte, hash bitcoin.Hash) {
	p.found.Add(1)
	header, err := bitcoin.DecodeHeader(raw[:])
	if err != nil {
		panic(err) // 80 bytes are a header
	}
	t := h.Job.Template
	// Joining a full block's megabytes is no work for a loop.
	p.joining.Go(func() {
		block := t.Block(header, h.Parts.WithWitness(h.Parts.Fill(extranonce)))
		p.relay.Send(&relay.Block{Raw: block, Hash: hash, Previous: t.Previous, Height: t.Height, Found: time.Now()})
	})
}

// blockTaken and blockRefused are what the relay tells: whether another block on the same parent is
// worth having.
func (p *Pool) blockTaken(hash, previous bitcoin.Hash) {
	p.ours.Store(&ownBlock{hash, previous, time.Now()})
	if seen := p.seen.Known(previous); seen != nil {
		seen.Take()
	}
}

func (p *Pool) blockRefused(_, previous bitcoin.Hash) {
	if seen := p.seen.Known(previous); seen != nil {
		seen.Release()
	}
}
