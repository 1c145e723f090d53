package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/relay"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// source is a node with what it says. Every node is asked all the time, so that the next one can
// stand in at once and none is asked anew for having been left.
type source struct {
	node    *bitcoin.Client
	updates <-chan bitcoin.Update
	latest  atomic.Pointer[bitcoin.Template] // of the node's last good answer
	news    chan bitcoin.Update              // one place; the newest
}

// watch follows the first node that is alive and honest; when it is neither, the next.
func (p *Pool) watch(ctx context.Context) {
	poll := min(p.config.MaxTemplateAge/4, 5*time.Second)
	sources := make([]*source, len(p.nodes))
	for i, node := range p.nodes {
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
		p.followed.Store(followed.node)
		err := p.follow(ctx, followed, sources, poll)
		if ctx.Err() != nil {
			return
		}
		p.logger.Warn("node left", "node", followed.node.Endpoint(), "reason", err)
		if i%len(sources) == len(sources)-1 {
			p.halt(err.Error())
			pause(ctx, time.Second)
		}
	}
}

// listen keeps the node's newest update until somebody follows the node.
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

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

var (
	errFrozen = errors.New("node is frozen: its newest template is too old")
	errBehind = errors.New("node is behind another node")
)

// chainNode is the node that follows the chain: the one whose templates are worked on. Nil without nodes.
func (p *Pool) chainNode() *bitcoin.Client {
	if node := p.followed.Load(); node != nil {
		return node
	}
	if len(p.nodes) > 0 {
		return p.nodes[0]
	}
	return nil
}

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
				if errors.Is(update.Err, bitcoin.ErrUnauthorized) || errors.As(update.Err, new(*bitcoin.TemplateError)) {
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
	ours, current := p.ours.Load(), p.current.Load()
	if ours == nil || current == nil || current.template.Previous != ours.previous || time.Since(ours.taken) < time.Second {
		return false
	}
	return slices.ContainsFunc(all, func(other *source) bool {
		t := other.latest.Load()
		return other != followed && t != nil && t.Previous == ours.hash
	})
}

// behindChecks is how many looks in a row may find a node behind: blocks take seconds to travel.
const behindChecks = 6

// compareTips counts the looks at which another node has a higher chain with real work.
func (p *Pool) compareTips(ctx context.Context, followed *source, all []*source, behind int) int {
	current := p.current.Load()
	if current == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, other := range all {
		t := other.latest.Load()
		if other == followed || t == nil || t.Previous == current.template.Previous || t.Height <= current.template.Height {
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
	t, last := update.Template, p.current.Load()
	newBlock := last == nil || last.template.Previous != t.Previous
	newTarget := !newBlock && last.template.Bits != t.Bits
	if last != nil && !newBlock {
		shareTransactions(t, last.template)
	}
	if !newBlock && !newTarget && !p.halted.Load() && update.Arrived.Sub(last.arrived) < p.config.JobInterval {
		return nil
	}
	j := &job{template: t, arrived: update.Arrived, clean: newBlock || newTarget, minTime: t.MinTime}
	if newBlock {
		tip, edge, err := p.checkTip(ctx, node, t)
		if err != nil {
			return err
		}
		j.minTime, j.tipTime = max(j.minTime, edge), tip.Time
		if last != nil {
			j.previous = last.template.Previous
		}
	} else {
		j.previous, j.tipTime = last.previous, last.tipTime
		if !newTarget {
			j.minTime = max(j.minTime, last.minTime)
		}
	}
	if p.config.Scheme == payout.FPPS {
		if err := p.accounts.knowFees(ctx, p, t); err != nil {
			return fmt.Errorf("fees of the last blocks: %w", err)
		}
	}
	least, most := easyTimes(p.network, t.Bits, t.CurTime, j.tipTime)
	j.minTime, j.maxTime = max(j.minTime, least), most
	return p.issue(j)
}

// Offer makes a job of a template that did not come from a node of the pool's own: measurements and
// tests. It must have arrived at the time given.
func (p *Pool) Offer(t *bitcoin.Template, arrived time.Time) error {
	j := &job{template: t, arrived: arrived, minTime: t.MinTime, clean: true}
	if last := p.current.Load(); last != nil {
		j.previous = last.previous
		if last.template.Previous != t.Previous {
			j.previous = last.template.Previous
		}
		j.clean = last.template.Previous != t.Previous
	}
	return p.issue(j)
}

// checkTip verifies the block that a template builds on, and returns its header and the least time
// that the edges of a difficulty period ask for.
func (p *Pool) checkTip(ctx context.Context, node *bitcoin.Client, t *bitcoin.Template) (tip bitcoin.Header, edge uint32, err error) {
	if tip, err = node.HeaderOf(ctx, t.Previous); err != nil {
		return tip, 0, err
	}
	if t.Height > 1 { // the genesis block of some networks carries no work
		if err := tip.Check(); err != nil {
			return tip, 0, fmt.Errorf("node lies: %w", err)
		}
	}
	var start bitcoin.Header
	if t.Height%difficultyPeriod == difficultyPeriod-1 {
		hash, err := node.HashAt(ctx, int(t.Height-difficultyPeriod+1))
		if err != nil {
			return tip, 0, err
		}
		if start, err = node.HeaderOf(ctx, hash); err != nil {
			return tip, 0, err
		}
	}
	return tip, edgeMinTime(t.Height, tip.Time, start.Time), nil
}

// issue completes a job, logs it and sends it out.
func (p *Pool) issue(j *job) error {
	t := j.template
	previous := p.current.Load()
	j.seen = p.seen.on(t.Previous)
	if previous != nil && previous.template.Previous != t.Previous && j.seen.claimed.Load() != 0 {
		// The tip has come back: a block of ours on it has vanished, which goes out again by itself,
		// and another is worth having.
		j.seen.claimed.Store(0)
	}
	j.record = sharelog.Job{
		Number: p.lastJob.Add(1), TimeMillis: j.arrived.UnixMilli(), Height: uint64(t.Height), Previous: t.Previous, Version: t.Version, Bits: t.Bits,
		MinTime: j.minTime, CoinbaseValue: t.CoinbaseValue, Fees: t.Fees, MeanFees: p.accounts.meanFees(), Branch: t.Branch,
	}
	// No payment is chosen between laying the debts out and the job's record.
	p.accounts.layout.Lock()
	err := p.layOut(j)
	if err == nil {
		p.committer.record(&j.record)
		p.accounts.issued++
	}
	p.accounts.layout.Unlock()
	if err != nil {
		return err
	}
	p.current.Store(j)
	p.halted.Store(false)
	for _, l := range p.loops {
		l.post(func() { l.broadcast(j) })
	}
	return nil
}

// layOut makes the coinbases of a job: one for each class of firmware when miners are paid in it.
func (p *Pool) layOut(j *job) error {
	t := j.template
	if !p.config.PayInCoinbase || p.solo() {
		j.record.Position = p.accounts.Position()
		return p.addVariant(j, "operator", []payout.Laid{{Paid: t.CoinbaseValue}})
	}
	if err := p.accounts.awaitJobs(p); err != nil {
		return err
	}
	position, owed, err := p.accounts.owed(p.settings(), t, p.registry.scriptOf)
	if err != nil {
		return err
	}
	j.record.Position = position
	base, err := p.coinbase(t, jobMark(j.record.Number), []payout.Laid{{Paid: t.CoinbaseValue}})
	if err != nil {
		return err
	}
	for i, size := range p.config.sizes() {
		// A count of outputs above 252 takes two bytes more.
		laid := payout.Lay(t.CoinbaseValue, owed, size-base.Size()-2)
		if err := p.addVariant(j, Classes[i].Name, laid); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pool) coinbase(t *bitcoin.Template, mark []byte, laid []payout.Laid) (bitcoin.CoinbaseParts, error) {
	c := bitcoin.Coinbase{
		Height: t.Height, Aux: slices.Concat(t.CoinbaseAux, mark), Extranonce: extranonce1Size + extranonce2Size, Tag: []byte(p.config.Tag), Commitment: t.CommitmentScript(),
	}
	for _, l := range laid {
		if l.Paid == 0 && (l.User != 0 || len(laid) > 1) {
			continue
		}
		script := p.operator
		if l.User != 0 {
			script = p.registry.scriptOf(l.User)
		}
		c.Outputs = append(c.Outputs, bitcoin.Output{Value: l.Paid, Script: script})
	}
	return c.Parts()
}

func (p *Pool) addVariant(j *job, name string, laid []payout.Laid) error {
	parts, err := p.coinbase(j.template, jobMark(j.record.Number), laid)
	if err != nil {
		return err
	}
	variant := sharelog.Variant{Name: name, Head: parts.Head, Tail: parts.Tail, Witness: parts.HasWitness}
	for _, l := range laid {
		variant.Payees = append(variant.Payees, sharelog.Payee{User: l.User, Amount: l.Paid, Debt: l.Debt})
	}
	j.record.Variants = append(j.record.Variants, variant)
	j.handouts = append(j.handouts, newHandout(j, j.record.Number, uint64(len(j.handouts)), parts))
	return nil
}

// soloHandout makes a coinbase that pays one user, under a job record of its own, which enters the
// log with its first share. Nil when it cannot be made.
func (p *Pool) soloHandout(j *job, w *worker, user uint64) *handout {
	fee := payout.Fee(j.template.CoinbaseValue, p.feePPM.Load())
	laid := []payout.Laid{{Paid: fee}, {User: user, Paid: j.template.CoinbaseValue - fee}}
	record := j.record
	record.Number = p.lastJob.Add(1)
	parts, err := p.coinbase(j.template, jobMark(record.Number), laid)
	if err != nil {
		p.logger.Error("no solo coinbase", "user", w.address, "error", err)
		return nil
	}
	record.Variants = []sharelog.Variant{{Name: w.address, Head: parts.Head, Tail: parts.Tail, Witness: parts.HasWitness}}
	for _, l := range laid {
		record.Variants[0].Payees = append(record.Variants[0].Payees, sharelog.Payee{User: l.User, Amount: l.Paid, Debt: l.Debt})
	}
	h := newHandout(j, record.Number, 0, parts)
	h.record = &record
	return h
}

// solved hands a block to the network, at once and before anything else.
func (p *Pool) solved(h *handout, extranonce []byte, raw [bitcoin.HeaderSize]byte, hash bitcoin.Hash) {
	p.counters.blocks.Add(1)
	header, err := bitcoin.DecodeHeader(raw[:])
	if err != nil {
		panic(err) // 80 bytes are a header
	}
	t := h.job.template
	// Joining a full block's megabytes is no work for a loop.
	p.joining.Go(func() {
		block := t.Block(header, h.parts.WithWitness(h.parts.Fill(extranonce)))
		p.relay.Send(&relay.Block{Raw: block, Hash: hash, Previous: t.Previous, Height: t.Height, Found: time.Now()})
	})
}

// blockTaken and blockRefused are what the relay tells: whether another block on the same parent is
// worth having.
func (p *Pool) blockTaken(hash, previous bitcoin.Hash) {
	p.ours.Store(&ownBlock{hash, previous, time.Now()})
	p.claim(previous, taken)
}
func (p *Pool) blockRefused(_, previous bitcoin.Hash) { p.claim(previous, 0) }

func (p *Pool) claim(previous bitcoin.Hash, state int64) {
	if seen := p.seen.known(previous); seen != nil {
		seen.claimed.Store(state)
	}
}
