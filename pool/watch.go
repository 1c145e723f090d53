package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// watch follows the first node that is alive and honest; when it is neither, the next.
func (p *Pool) watch(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		node := p.nodes[i%len(p.nodes)]
		p.followed.Store(node)
		err := p.follow(ctx, node)
		if ctx.Err() != nil {
			return
		}
		p.logger.Warn("node left", "node", node.Endpoint(), "reason", err)
		if i%len(p.nodes) == len(p.nodes)-1 {
			p.halt(err.Error())
			pause(ctx, time.Second)
		}
	}
}

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

// follow turns a node's templates into jobs until the node freezes, falls behind or lies.
func (p *Pool) follow(ctx context.Context, node *bitcoin.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	poll := min(p.config.MaxTemplateAge/4, 5*time.Second)
	updates := node.Watch(ctx, bitcoin.WatchOptions{Poll: poll, Retry: 200 * time.Millisecond})
	fresh := time.Now()
	check := time.NewTicker(poll)
	defer check.Stop()
	behind := 0
	for {
		select {
		case update, ok := <-updates:
			if !ok {
				return ctx.Err()
			}
			if update.Err != nil {
				p.logger.Warn("no template", "node", node.Endpoint(), "error", update.Err)
				if errors.Is(update.Err, bitcoin.ErrUnauthorized) || errors.As(update.Err, new(*bitcoin.TemplateError)) {
					return update.Err
				}
				continue
			}
			if err := p.offer(ctx, node, update); err != nil {
				return err
			}
			fresh = time.Now()
		case <-check.C:
			if time.Since(fresh) > p.config.MaxTemplateAge {
				return errFrozen
			}
			if behind = p.compareTips(ctx, node, behind); behind > behindChecks {
				return errBehind
			}
		}
	}
}

// behindChecks is how many looks in a row may find a node behind: blocks take seconds to travel.
const behindChecks = 6

// compareTips counts the looks at which another node has a higher chain with real work.
func (p *Pool) compareTips(ctx context.Context, node *bitcoin.Client, behind int) int {
	current := p.current.Load()
	if current == nil || len(p.nodes) < 2 {
		return 0
	}
	for _, other := range p.nodes {
		if other == node {
			continue
		}
		tip, err := other.Tip(ctx)
		if err != nil || tip == current.template.Previous {
			continue
		}
		height, confirmations, err := other.Position(ctx, tip)
		header, headerErr := other.HeaderOf(ctx, tip)
		if err == nil && headerErr == nil && confirmations >= 0 && uint32(height) >= current.template.Height && header.Check() == nil {
			return behind + 1
		}
	}
	return 0
}

// offer makes a job of a template when it is worth one.
func (p *Pool) offer(ctx context.Context, node *bitcoin.Client, update bitcoin.Update) error {
	t, last := update.Template, p.current.Load()
	newBlock := last == nil || last.template.Previous != t.Previous
	if !newBlock && !p.halted.Load() && update.Arrived.Sub(last.arrived) < p.config.JobInterval {
		return nil
	}
	j := &job{template: t, arrived: update.Arrived, clean: newBlock, minTime: t.MinTime}
	if newBlock {
		edge, err := p.checkTip(ctx, node, t)
		if err != nil {
			return err
		}
		j.minTime = max(j.minTime, edge)
		if last != nil {
			j.previous = last.template.Previous
		}
	} else {
		j.minTime = max(j.minTime, last.minTime)
		j.previous = last.previous
	}
	if p.config.Scheme == payout.FPPS {
		if err := p.accounts.knowFees(ctx, p, t); err != nil {
			return fmt.Errorf("fees of the last blocks: %w", err)
		}
	}
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

// checkTip verifies the block that a template builds on, and returns the least time that the edges
// of a difficulty period ask for.
func (p *Pool) checkTip(ctx context.Context, node *bitcoin.Client, t *bitcoin.Template) (uint32, error) {
	header, err := node.HeaderOf(ctx, t.Previous)
	if err != nil {
		return 0, err
	}
	if t.Height > 1 { // the genesis block of some networks carries no work
		if err := header.Check(); err != nil {
			return 0, fmt.Errorf("node lies: %w", err)
		}
	}
	var start bitcoin.Header
	if t.Height%difficultyPeriod == difficultyPeriod-1 {
		hash, err := node.HashAt(ctx, int(t.Height-difficultyPeriod+1))
		if err != nil {
			return 0, err
		}
		if start, err = node.HeaderOf(ctx, hash); err != nil {
			return 0, err
		}
	}
	return edgeMinTime(t.Height, header.Time, start.Time), nil
}

// issue completes a job, logs it and sends it out.
func (p *Pool) issue(j *job) error {
	t := j.template
	previous := p.current.Load()
	if previous == nil || previous.template.Previous != t.Previous {
		p.tipAt.Store(j.arrived.UnixNano())
	}
	j.seen = p.seenOn(t.Previous)
	for hash := range p.seen {
		if hash != t.Previous && hash != j.previous {
			delete(p.seen, hash)
		}
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
	position, owed, err := p.accounts.owed(p.config, t, p.registry.scriptOf)
	if err != nil {
		return err
	}
	j.record.Position = position
	base, err := p.coinbase(t, []payout.Laid{{Paid: t.CoinbaseValue}})
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

func (p *Pool) coinbase(t *bitcoin.Template, laid []payout.Laid) (bitcoin.CoinbaseParts, error) {
	c := bitcoin.Coinbase{
		Height: t.Height, Aux: t.CoinbaseAux, Extranonce: extranonce1Size + extranonce2Size, Tag: []byte(p.config.Tag), Commitment: t.CommitmentScript(),
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
	parts, err := p.coinbase(j.template, laid)
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

// soloHandout makes a coinbase that pays one user, under a job record of its own.
func (p *Pool) soloHandout(j *job, w *worker) (*handout, *sharelog.Job) {
	fee := payout.Fee(j.template.CoinbaseValue, p.config.FeePPM)
	laid := []payout.Laid{{Paid: fee}, {User: w.user, Paid: j.template.CoinbaseValue - fee}}
	parts, err := p.coinbase(j.template, laid)
	if err != nil {
		p.logger.Error("no solo coinbase", "user", w.address, "error", err)
		return nil, nil
	}
	record := j.record
	record.Number = p.lastJob.Add(1)
	record.Variants = []sharelog.Variant{{Name: w.address, Head: parts.Head, Tail: parts.Tail, Witness: parts.HasWitness}}
	for _, l := range laid {
		record.Variants[0].Payees = append(record.Variants[0].Payees, sharelog.Payee{User: l.User, Amount: l.Paid, Debt: l.Debt})
	}
	return newHandout(j, record.Number, 0, parts), &record
}

// solved hands a block to every node, at once and before anything else.
func (p *Pool) solved(h *handout, extranonce []byte, raw [bitcoin.HeaderSize]byte, hash bitcoin.Hash) {
	p.counters.blocks.Add(1)
	header, err := bitcoin.DecodeHeader(raw[:])
	if err != nil {
		panic(err) // 80 bytes are a header
	}
	go func() {
		block := h.job.template.Block(header, h.parts.WithWitness(h.parts.Fill(extranonce)))
		taken := make(chan bool, len(p.nodes))
		for _, node := range p.nodes {
			go func() { taken <- p.submitBlock(node, block, hash) }()
		}
		for range p.nodes {
			if <-taken {
				return
			}
		}
		h.job.seen.solved.Store(false) // another may do
		p.logger.Error("no node has taken the block", "hash", hash, "height", h.job.template.Height)
	}()
}

func (p *Pool) submitBlock(node *bitcoin.Client, block []byte, hash bitcoin.Hash) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		verdict, reason, err := node.Submit(ctx, block)
		if err == nil {
			p.logger.Info("block submitted", "node", node.Endpoint(), "hash", hash, "verdict", verdict, "reason", reason)
			return verdict != bitcoin.Rejected
		}
		p.logger.Warn("block not submitted yet", "node", node.Endpoint(), "hash", hash, "error", err)
		if ctx.Err() != nil {
			return false
		}
		pause(ctx, wait)
	}
}
