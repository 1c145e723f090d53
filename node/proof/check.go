package proof

import (
	"fmt"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Result is what a proof shows.
type Result struct {
	Network      token.NetworkID `json:"network"`
	Name         string          `json:"name"`
	Token        token.ID        `json:"token"`
	Wallet       token.WalletID  `json:"wallet"` // it was made for
	Amount       money.Tiyn      `json:"amount"`
	Purpose      uint32          `json:"purpose,omitempty"` // that marks it
	LogSize      uint64          `json:"log_size"`          // of the checkpoint
	Steps        []Step          `json:"steps"`             // from issue to the token
	Shows        []string        `json:"shows"`
	DoesNotShow  []string        `json:"does_not_show"`
	TotalIssued  money.Tiyn      `json:"total_issued"` // by the issues at the beginning
	Transactions int             `json:"transactions"`
}

// Step is one transaction of the provenance, or what happened by the rules alone.
type Step struct {
	Index   uint64              `json:"index"`
	ID      token.TransactionID `json:"id"`
	Kind    string              `json:"kind"`
	Memo    string              `json:"memo,omitempty"`
	Outputs []money.Tiyn        `json:"outputs"`
}

// BadProof is the code of a proof that does not hold.
const BadProof token.Code = "bad-proof"

func bad(field, format string, args ...any) error {
	return token.Errorf(BadProof, field, format, args...)
}

// Check verifies a proof file against a network's id alone: the genesis in it has that id, names who signs the log,
// the checkpoint is signed by them, each entry is in the log under it, and value is conserved from issues to the
// token. An error has the code BadProof and names the part that does not hold, or is that of decoding.
func Check(data []byte, network token.NetworkID) (*Result, error) {
	f, err := Decode(data)
	if err != nil {
		return nil, err
	}
	genesis, checkpoint, err := f.checkInclusion(network)
	if err != nil {
		return nil, err
	}
	result := &Result{Network: network, Name: genesis.Name, Token: f.Token, LogSize: checkpoint.Size, Shows: TokenShows,
		DoesNotShow: TokenDoesNotShow}
	return result, f.checkProvenance(result)
}

// checkInclusion checks that the file's entries are in the log of the network, under its checkpoint.
func (f *File) checkInclusion(network token.NetworkID) (*ledger.Genesis, txlog.Checkpoint, error) {
	genesis, err := f.checkGenesis(network)
	if err != nil {
		return nil, txlog.Checkpoint{}, err
	}
	checkpoint, err := f.checkCheckpoint(genesis)
	if err != nil {
		return nil, checkpoint, err
	}
	for _, e := range f.Entries {
		if err := txlog.VerifyInclusion(txlog.LeafHash(e.Entry), e.Index, checkpoint.Size, e.Proof,
			checkpoint.Root); err != nil {
			return nil, checkpoint, bad("entries", "entry %d is not in the log: %v", e.Index, err)
		}
	}
	return genesis, checkpoint, nil
}

// TokenShows is what a proof shows, TokenDoesNotShow what it does not, in English.
var TokenShows = []string{
	"the token was made by a transaction in the log of this network, under a checkpoint signed with the log's key",
	"it derives, transaction by transaction, from tenge that the authority issued, and every step conserves value",
}

// TokenDoesNotShow: see TokenShows.
var TokenDoesNotShow = []string{
	"that the token is still unspent: ask the ledger, or prove it against a logged snapshot",
	"that each signature on the way was valid: replay the log for that (aqsha verify)",
	"that purposes and contracts on the way allowed what was done: the replay shows that too",
	"who the people behind the wallets are",
}

// checkGenesis takes the genesis from the file itself: its hash is the network's id, which the caller knows, so that
// nothing else has to be believed.
func (f *File) checkGenesis(network token.NetworkID) (*ledger.Genesis, error) {
	first := f.Entries[0]
	if first.Index != 0 || ledger.NetworkOf(first.Entry) != network {
		return nil, bad("entries", "the proof is of another network than %s", network)
	}
	e, err := ledger.DecodeEntry(first.Entry)
	if err != nil || e.Leaf == nil || e.Leaf.Genesis == nil {
		return nil, bad("entries", "the first entry is no genesis")
	}
	return e.Leaf.Genesis, nil
}

// checkCheckpoint follows the log's signers from the genesis and verifies the checkpoint under those in force. It may
// bear no other signature: a file has one form.
func (f *File) checkCheckpoint(g *ledger.Genesis) (txlog.Checkpoint, error) {
	s, err := signers.FromGenesis(*g, f.Signers)
	if err != nil {
		return txlog.Checkpoint{}, bad("checkpoint", "who signs the log: %v", err)
	}
	c, n, err := s.Open(f.Checkpoint)
	if err != nil {
		return c, bad("checkpoint", "%v", err)
	}
	if !signers.Canonical(f.Checkpoint, n) {
		return c, bad("checkpoint", "it must bear the log's own signature and nothing else")
	}
	if err := s.Continues(c, f.Continues); err != nil {
		return c, bad("checkpoint", "its log is not the one in which the validators changed: %v", err)
	}
	return c, nil
}

// made is an output: by which entry of the file, for whom, how much, and of which purpose.
type made struct {
	entry   int
	wallet  token.WalletID
	amount  money.Tiyn
	purpose uint32
}

// step is an entry of the provenance as tokens see it.
type step struct {
	kind    string
	memo    string
	makes   token.TransactionID // the id of output number i is OutputID(makes, i)
	inputs  []token.ID
	outputs []made
	change  bool // the last output is marked as the first input is
	kept    bool // all are
	burned  money.Tiyn
	issued  money.Tiyn
}

// readStep says what an entry takes and makes.
func readStep(entry int, e ledger.Entry) (s step, err error) {
	if e.System != nil {
		return readSystem(entry, e.System)
	}
	if e.Transaction == nil {
		return s, bad("entries", "it is no transaction")
	}
	s.kind, s.makes = e.Transaction.Body.Kind().String(), e.Transaction.ID()
	switch t := e.Transaction.Body.(type) {
	case *token.Issue:
		for _, amount := range t.Amounts {
			s.outputs = append(s.outputs, made{entry, t.To, amount, 0})
			s.issued += amount // their sum was checked when decoded
		}
	case *token.Transfer:
		s.inputs, s.memo = t.Inputs, t.Memo.Text()
		for _, o := range t.Outputs {
			s.outputs = append(s.outputs, made{entry, t.Parties[o.Party], o.Amount, o.Asset.Purpose})
		}
	case *token.EarmarkedTransfer:
		s.inputs, s.memo = t.Inputs, t.Memo.Text()
		for _, o := range t.Outputs {
			s.outputs = append(s.outputs, made{entry, t.Parties[o.Party], o.Amount, o.Becomes})
		}
	case *token.Redeem:
		s.inputs, s.burned = t.Inputs, t.Amount
		s.outputs = []made{{entry, t.From, t.Change, 0}}
	case *token.Seize:
		s.inputs, s.change = t.Inputs, true
		s.outputs = []made{{entry, t.Court, t.Amount, 0}, {entry, t.Wallet, t.Change, 0}}
	case *token.Release:
		s.inputs, s.kept = t.Inputs, true
		s.outputs = []made{{entry, t.To, t.Amount, 0}, {entry, t.Held, t.Change, 0}}
	case *token.Create:
		s.add(entry, t.Inputs, e.Effects)
	case *token.Act:
		s.add(entry, t.Inputs, e.Effects)
	case *token.BondPurses:
		s.add(entry, t.Inputs, e.Effects)
	case *token.OpenPurse:
		s.add(entry, t.Inputs, e.Effects)
	case *token.FundPurse:
		s.add(entry, t.Inputs, e.Effects)
	case *token.SettlePurses, *token.ConvictPurse, *token.ClosePurse:
		s.add(entry, nil, e.Effects)
	default:
		return s, bad("entries", "a transaction of kind %s makes no tokens", s.kind)
	}
	return s, nil
}

// add takes an entry's effects: a contract's tokens are inputs beside those that somebody brings.
func (s *step) add(entry int, brought []token.ID, effects ledger.Effects) {
	s.inputs = append(append(s.inputs, brought...), effects.Spent...)
	for _, e := range effects.Made {
		s.outputs = append(s.outputs, made{entry, e.Wallet, e.Amount, e.Purpose})
	}
}

// readSystem reads what the ledger did by itself; kinds that make no tokens have no place in a provenance.
func readSystem(entry int, system *ledger.System) (s step, err error) {
	switch system.Kind {
	case ledger.SystemEnd:
		s.kind = "end"
	case ledger.SystemRenewal:
		s.kind = "renewal"
	case ledger.SystemExpiry:
		s.kind = "return"
	default:
		return s, bad("entries", "a system entry of kind %d makes no tokens", system.Kind)
	}
	s.makes = system.Makes()
	s.add(entry, nil, system.Effects)
	return s, nil
}

// checkProvenance walks from the token back to issues. Every entry of the file must be needed.
func (f *File) checkProvenance(r *Result) error {
	steps, outputs := make([]step, len(f.Entries)), map[token.ID]made{}
	for i, included := range f.Entries[1:] {
		e, err := ledger.DecodeEntry(included.Entry)
		if err != nil {
			return err
		}
		s, err := readStep(i+1, e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", included.Index, err)
		}
		if err := conserves(s, outputs); err != nil {
			return fmt.Errorf("entry %d: %w", included.Index, err)
		}
		for n := range s.outputs {
			if s.kept || s.change && n == len(s.outputs)-1 {
				s.outputs[n].purpose = outputs[s.inputs[0]].purpose
			}
		}
		steps[i+1] = s
		for n, o := range s.outputs {
			outputs[token.OutputID(s.makes, n)] = o
		}
	}
	// Entries are in the log's order, so that what an entry spends was made by one before it: a walk forward has met
	// it.
	target, ok := outputs[f.Token]
	if !ok || target.amount == 0 {
		return bad("token", "no entry of the proof makes token %s", f.Token)
	}
	// Back from the token: an entry that nothing needs could show others' payments to whoever gets the file.
	needed := map[int]bool{}
	for queue := []int{target.entry}; len(queue) > 0; queue = queue[1:] {
		if needed[queue[0]] {
			continue
		}
		needed[queue[0]] = true
		for _, input := range steps[queue[0]].inputs {
			queue = append(queue, outputs[input].entry)
		}
	}
	if len(needed) != len(f.Entries)-1 {
		return bad("entries", "%d entries have nothing to do with the token", len(f.Entries)-1-len(needed))
	}
	r.Wallet, r.Amount, r.Purpose, r.Transactions = target.wallet, target.amount, target.purpose, len(needed)
	for i, s := range steps[1:] {
		r.TotalIssued += s.issued
		r.Steps = append(r.Steps, describe(f.Entries[i+1].Index, s))
	}
	return nil
}

// conserves checks that a step's inputs were made by earlier steps and that no value appears. Steps are in the order
// of the log, so that nothing can rest on itself.
func conserves(s step, outputs map[token.ID]made) error {
	in, out := s.issued, s.burned
	for _, id := range s.inputs {
		o, ok := outputs[id]
		if !ok {
			return bad("entries", "input %s is not in the proof", id)
		}
		var err error
		if in, err = money.Add(in, o.amount); err != nil {
			return err
		}
	}
	for _, o := range s.outputs {
		var err error
		if out, err = money.Add(out, o.amount); err != nil {
			return err
		}
	}
	if in != out {
		return bad("entries", "%s tenge goes in and %s comes out", in, out)
	}
	return nil
}

func describe(index uint64, s step) Step {
	d := Step{Index: index, ID: s.makes, Kind: s.kind, Memo: s.memo}
	for _, o := range s.outputs {
		d.Outputs = append(d.Outputs, o.amount)
	}
	return d
}
