package wallet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// A payer holds money of several marks, each of which may be paid to this payee up to an amount, or from one on, and
// some of which has used its hops. Split says how much of each pays an amount: if any way pays it, one is found, for
// rules that compare amounts with numbers.

// Source is a payer's money of one mark, or its plain money.
type Source struct {
	Number uint32 // of the purpose, 0 for plain
	Until  uint64 // when it ends, 0 for never
	Tokens []livestate.LiveToken
	Rules  []*contract.Rule // the mark's own, and those that amend it; none for plain
}

// Share is what a source pays.
type Share struct {
	Number    uint32
	Amount    money.Tiyn
	Becomes   uint32
	HopsBelow uint16 // see node.Want
}

// way is a range of amounts that a source may pay alike.
type way struct {
	least, most money.Tiyn
	Share
}

// soonMillis is how soon money ends that is not relied upon to be paid before: a block must come first.
const soonMillis = 10_000

// maxSpans bounds what is remembered to be payable; payers hold few marks, and what they can pay together has few gaps.
const maxSpans = 4096

// maxDust bounds how many amounts are tried one by one whose change would be dust.
const maxDust = 256

// Split divides an amount among sources: money that ends first pays as much as it can, then what ends next, plain money
// last, so that no source pays whose share those before it could. plainOnly takes no way in which the payee would have
// marked money. First what is payable is found from the last source back, as spans of amounts; then each source in
// order takes the most that leaves the others an amount they can pay.
func Split(sources []Source, payment contract.Payment, b node.Bounds, plainOnly bool) ([]Share, error) {
	amount := payment.Amount
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(x, y Source) int {
		return cmp.Or(cmp.Compare(x.class(payment.Now), y.class(payment.Now)), cmp.Compare(x.Until, y.Until),
			cmp.Compare(x.Number, y.Number))
	})
	ways := make([][]way, len(sources))
	payable := make([][]span, len(sources)+1) // by the sources from one on
	payable[len(sources)] = []span{{0, 0}}
	for i := len(sources) - 1; i >= 0; i-- {
		ways[i] = sources[i].ways(payment, b, plainOnly)
		payable[i] = reach(payable[i+1], ways[i], amount)
	}
	if !slices.ContainsFunc(payable[0], func(s span) bool { return s.least <= amount && amount <= s.most }) {
		return nil, lacking(sources, payment, plainOnly)
	}
	var shares []Share
	for i := range sources {
		if share, ok := largest(ways[i], payable[i+1], amount); ok {
			shares = append(shares, share)
			amount -= share.Amount
		}
	}
	return shares, nil
}

// span is all amounts from one to another.
type span struct{ least, most money.Tiyn }

// reach is what is payable with one source more, of amounts up to one.
func reach(without []span, ways []way, amount money.Tiyn) (all []span) {
	all = slices.Clone(without)
	for _, w := range ways {
		for _, s := range without {
			if least := s.least + w.least; least <= amount {
				all = append(all, span{least, min(amount, capped(s.most, w.most))})
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.least, b.least) })
	merged := all[:1]
	for _, s := range all[1:] {
		if last := &merged[len(merged)-1]; s.least <= capped(last.most, 1) {
			last.most = max(last.most, s.most)
		} else {
			merged = append(merged, s)
		}
	}
	return merged[:min(len(merged), maxSpans)]
}

// largest is the most that a source pays of an amount so that the others can pay what remains; no where they pay all of
// it.
func largest(ways []way, others []span, amount money.Tiyn) (share Share, ok bool) {
	for _, w := range ways {
		for _, s := range others {
			least, most := max(w.least, amount-s.most), min(w.most, amount-s.least)
			if least <= most && most > share.Amount {
				share, ok = w.Share, true
				share.Amount = most
			}
		}
	}
	return share, ok
}

// capped adds without overflow: what exceeds any amount is as good as any.
func capped(a, b money.Tiyn) money.Tiyn {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// class orders sources: marked money, then plain, then what may end before the payment comes.
func (s *Source) class(now uint64) int {
	switch {
	case s.Number == 0:
		return 1
	case s.Until < now+soonMillis:
		return 2
	}
	return 0
}

// ways lists what a source may pay, the most first.
func (s *Source) ways(payment contract.Payment, b node.Bounds, plainOnly bool) (all []way) {
	least, amount := max(1, b.Least), payment.Amount
	if s.Number == 0 {
		return s.within(way{least, amount, Share{}}, b)
	}
	// Between two neighbouring edges no rule changes its verdict, so one probe decides for the whole span: rules
	// compare amounts with these thresholds and with nothing else.
	edges := []money.Tiyn{least, amount, capped(amount, 1)}
	for _, r := range s.Rules {
		for _, n := range r.Thresholds() {
			edges = append(edges, n, capped(n, 1))
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	for i, from := range edges {
		if from < least || from > amount {
			continue
		}
		to := amount
		if i+1 < len(edges) {
			to = min(to, edges[i+1]-1)
		}
		payment.Amount = from
		for _, share := range s.permitted(payment) {
			if !plainOnly || share.Becomes == 0 {
				all = append(all, s.within(way{from, to, share}, b)...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b way) int { return cmp.Compare(b.most, a.most) })
	return all
}

// permitted asks the source's rules, each once: what the money becomes, and whether it must not have used its hops. One
// rule that permits is enough.
func (s *Source) permitted(payment contract.Payment) (all []Share) {
	for _, r := range s.Rules {
		after, refusal := r.Permit(&payment)
		if refusal != nil {
			continue
		}
		share := Share{Number: s.Number, Becomes: after}
		if after == token.BecomesSame || after == s.Number {
			share.Becomes, share.HopsBelow = s.Number, r.Purpose.Hops
		}
		if !slices.Contains(all, share) {
			all = append(all, share)
		}
	}
	return all
}

// within bounds a way by the tokens there are, so that change is nothing or no dust. A payment that leaves less change
// than the least token is possible only of certain amounts: they are tried.
func (s *Source) within(w way, b node.Bounds) (all []way) {
	want := node.Want{Asset: token.PurposeAsset(s.Number), HopsBelow: w.HopsBelow}
	usable, _ := want.Usable(s.Tokens)
	has := node.AmountOf(usable)
	whole := w // change is enough, or there is none
	if whole.most = min(w.most, has-max(1, b.Least)); whole.most >= whole.least {
		all = append(all, whole)
	}
	for x := max(w.least, has-max(1, b.Least)+1, min(w.most, has)-maxDust); x <= min(w.most, has); x++ {
		want.Amount = x
		if chosen, _ := node.ChooseFor(slices.Clone(usable), want, b); len(chosen) > 0 {
			all = append(all, way{x, x, w.Share})
		}
	}
	return all
}

// refusal is what the source's rules say against a payment: of one that names the payee and bounds the amount, that it
// does.
func (s *Source) refusal(payment contract.Payment) (first *token.Error) {
	for _, r := range s.Rules {
		_, refusal := r.Permit(&payment)
		if refusal != nil && (first == nil || refusal.Field == "outputs.amount" && first.Field != "outputs.amount") {
			first = refusal
		}
	}
	return first
}

// lacking says why no way pays: what there is, what of it is stuck and why.
func lacking(sources []Source, payment contract.Payment, plainOnly bool) error {
	var refused error
	var parts []string
	usable := money.Tiyn(0)
	for i := range sources {
		s := &sources[i]
		has := node.AmountOf(s.Tokens)
		if has == 0 {
			continue
		}
		if s.Number == 0 {
			usable = capped(usable, has)
			parts = append(parts, fmt.Sprintf("%s plain", has))
			continue
		}
		probe := payment
		// By what there is, for a rule may refuse the whole amount and let the smaller one pass.
		probe.Amount = min(payment.Amount, has)
		shares := s.permitted(probe)
		said := fmt.Sprintf("%s of purpose %d", has, s.Number)
		free := money.Tiyn(0)
		for _, share := range shares {
			if plainOnly && share.Becomes != 0 {
				continue
			}
			tokens, _ := (&node.Want{Asset: token.PurposeAsset(s.Number), HopsBelow: share.HopsBelow}).Usable(s.Tokens)
			free = max(free, node.AmountOf(tokens))
		}
		refusal := s.refusal(probe)
		switch {
		case len(shares) == 0 && refusal != nil:
			said += fmt.Sprintf(" (%s)", refusal.Code)
			if refused == nil {
				refused = refusal
			}
		case free < has:
			said += fmt.Sprintf(", of which %s was paid on as often as the purpose allows and can only be paid where "+
				"it loses the mark", has-free)
		}
		usable = capped(usable, free)
		parts = append(parts, said)
	}
	if usable == 0 && refused != nil {
		return refused
	}
	if len(parts) == 0 {
		parts = []string{"nothing of it"}
	}
	if usable >= payment.Amount {
		return token.Errorf(contract.PurposeForbids, "amount",
			"no way to divide %s among what the rules let be paid at once or above their least: the wallet holds %s",
			payment.Amount, strings.Join(parts, "; "))
	}
	return token.Errorf(node.Insufficient, "amount", "%s is wanted; the wallet holds %s", payment.Amount,
		strings.Join(parts, "; "))
}
