package clustercmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// demoChanges is how often those who sign the log change in the demonstration: one leaves, and comes back.
const demoChanges = 2

// change removes a validator by the authority's keys, pays at those that stay, and takes it back with other keys while
// they are paid at.
func (p *clusterPlay) change(ctx context.Context, at int) error {
	name := p.plans[at].Name
	p.genesis.Changed = name
	ordering, err := p.clients[0].API.Cluster(ctx)
	if err != nil {
		return err
	}
	if ordering.Cluster == nil {
		return fmt.Errorf("%s says that it orders alone", p.plans[0].Name)
	}
	all, err := membersOf(ordering.Cluster.Members)
	if err != nil {
		return err
	}
	own := slices.IndexFunc(all, func(v token.Validator) bool { return v.Name == name })
	if own < 0 {
		return fmt.Errorf("%s is none of the validators: %s", name, names(all))
	}
	p.Say("removing %s, and paying on …", name)
	if err := p.setTo(ctx, slices.Delete(slices.Clone(all), own, own+1), status.InForce); err != nil {
		return err
	}
	if err := p.payOthers(ctx, at); err != nil {
		return err
	}
	// The change is in force: the others need no vote of it any more.
	if err := p.nodes[at].End(); err != nil {
		return err
	}
	p.Say("taking %s back with other keys …", name)
	keyring, err := wallet.OpenKeyring(p.plans[at].Data, "", nil)
	if err != nil {
		return err
	}
	if all[own], err = nextKeys(p.plans[at].Data, name, keyring); err != nil {
		return err
	}
	// Before it runs: with the others' three of four the ledger goes on, and it finds itself set when it starts.
	if err := p.setTo(ctx, all, status.Handing); err != nil {
		return err
	}
	if err := p.payOthers(ctx, at); err != nil {
		return err
	}
	started := time.Now()
	if err := p.start(ctx, at); err != nil {
		return err
	}
	if err := p.compare(ctx); err != nil {
		return err
	}
	p.genesis.ReturnSeconds = time.Since(started).Seconds()
	if err := p.pay(ctx, at); err != nil {
		return err
	}
	return p.shown(ctx, at)
}

// setTo has these validators order from now on, and waits for so many blocks behind that.
func (p *clusterPlay) setTo(ctx context.Context, list []token.Validator, blocks uint64) error {
	authority, err := p.clients[0].API.Authority(ctx)
	if err != nil {
		return err
	}
	receipt, err := p.clients[0].SetValidators(ctx, authority.Set(token.RoleRoot).Sequence, "", list)
	if err != nil {
		return err
	}
	return awaitBlocks(ctx, p.clients[0].API.Cluster, receipt.Index, blocks, func(*status.Status) {})
}

// payOthers pays at every validator but one.
func (p *clusterPlay) payOthers(ctx context.Context, but int) error {
	for i := range p.nodes {
		if i != but {
			if err := p.pay(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// shown follows, from the genesis alone, who signs the log by what a validator shows, and counts the changes. The
// newest may be shown a block later: its checkpoint comes with the votes for that.
func (p *clusterPlay) shown(ctx context.Context, at int) error {
	genesis, err := p.clients[at].API.Genesis(ctx)
	if err != nil {
		return err
	}
	encoded, err := p.clients[at].API.Signers(ctx)
	if err != nil {
		return err
	}
	links, err := signers.Decode(encoded)
	if err != nil {
		return err
	}
	s, err := signers.FromGenesis(genesis, links)
	if err != nil {
		return err
	}
	if p.genesis.Changes = s.Changes(); p.genesis.Changes != demoChanges {
		return fmt.Errorf("%s shows %d changes of who signs the log, %d were made", p.plans[at].Name,
			p.genesis.Changes, demoChanges)
	}
	return nil
}
