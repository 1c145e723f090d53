package wallet

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// NeedsRules is the code of what an older version of the network's rules cannot do.
const NeedsRules token.Code = "needs-rules"

// UnexpectedMoney is the code of a contract that holds other money than who deals with it takes.
const UnexpectedMoney token.Code = "unexpected-money"

// Template is a template as the network's rules take it: as it is shipped, or as it was before.
func (d *Client) Template(ctx context.Context, name string) (*contract.Program, error) {
	network, err := d.API.Network(ctx)
	if err != nil {
		return nil, err
	}
	since, before := contract.TemplateSince(name)
	if network.Rules >= since {
		return contract.TemplateProgram(name)
	}
	// What newer templates ask has no name there.
	earlier, ok := contract.EarlierTemplate(name)
	if !ok {
		before = since
	}
	if network.Rules < before {
		return nil, token.Errorf(NeedsRules, "rules",
			"the template %s needs rules version %d, the network follows %d: aqsha policy propose-rules %d", name,
			before, network.Rules, before)
	}
	return earlier, nil
}

// EnsureTemplate registers a template, if nobody has, with the registrar of a wallet, and returns it. A template's id
// is that of its text, so that it does not matter who registered it.
func (d *Client) EnsureTemplate(ctx context.Context, name string, by token.WalletID) (*contract.Program, error) {
	program, err := d.Template(ctx, name)
	if err != nil {
		return nil, err
	}
	list, err := d.API.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	for _, known := range list {
		if known.ID == program.ID() {
			return program, nil
		}
	}
	if d.Out != nil { // a draft holds one transaction
		return nil, token.Errorf(ledger.UnknownDefinition, "definition",
			"the template %s is not registered yet, which a draft cannot do besides: aqsha contract register %s, first",
			name, name)
	}
	w, err := d.API.Wallet(ctx, by)
	if err != nil {
		return nil, err
	}
	_, err = d.Define(ctx, w.Registrar, program.Definition)
	var problem *api.Problem
	if errors.As(err, &problem) && problem.Code == string(ledger.Duplicate) {
		err = nil // another was faster
	}
	return program, err
}

// NewContract is a contract of a template, to be created under a name.
type NewContract struct {
	Template, Name string
	By             token.WalletID
	Parties        []token.WalletID
	Purpose        uint32 // of its one asset
	Terms          []token.Value
	Paid           money.Tiyn
}

// Create creates it and notes its name.
func (d *Client) Create(ctx context.Context, u NewContract) (node.Receipt, error) {
	if err := d.Keyring.Free(u.Name); err != nil {
		return node.Receipt{}, err
	}
	program, err := d.EnsureTemplate(ctx, u.Template, u.By)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.CreateContract(ctx, &token.Create{Creator: u.By, Definition: program.ID(), Parties: u.Parties,
		Assets: []uint32{u.Purpose}, Terms: u.Terms, Paid: []money.Tiyn{u.Paid}})
	if err == nil || errors.Is(err, ErrDrafted) { // the id is the same whoever signs
		if noted := d.Keyring.Put(Name{Name: u.Name, ID: token.RegisteredID(receipt.ID)}); noted != nil {
			err = noted
		}
	}
	return receipt, err
}

// Call is an action of a contract of one asset.
type Call struct {
	Contract, By token.WalletID
	Action       string
	Args         []token.Value
	Paid         money.Tiyn
	Document     *token.Hash
}

// Call calls an action in the contract's present version; when another action came first, again.
func (d *Client) Call(ctx context.Context, c Call) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		view, err := d.API.Contract(ctx, c.Contract, 0)
		if err != nil {
			return node.Receipt{}, err
		}
		paid := make([]money.Tiyn, len(view.Assets))
		paid[0] = c.Paid
		args := c.Args
		if args == nil {
			args = []token.Value{}
		}
		return d.Act(ctx, &token.Act{Contract: c.Contract, Version: view.Version, Action: c.Action, Caller: c.By,
			Args: args, Paid: paid, Document: c.Document}, view.Assets)
	})
}

// known are the ids of templates, by name: compiling one takes milliseconds, and a charger asks many times a second.
var known sync.Map // string → []token.Hash

// templateIDs are the ids under which a template is registered, of this version of the rules and the one before.
func templateIDs(name string) ([]token.Hash, error) {
	if ids, ok := known.Load(name); ok {
		return ids.([]token.Hash), nil
	}
	program, err := contract.TemplateProgram(name)
	if err != nil {
		return nil, err
	}
	ids := []token.Hash{program.ID()}
	if earlier, had := contract.EarlierTemplate(name); had {
		ids = append(ids, earlier.ID())
	}
	known.Store(name, ids)
	return ids, nil
}

// IsTemplate says whether a definition is a template, as it is shipped or was.
func IsTemplate(name string, definition token.Hash) (bool, error) {
	ids, err := templateIDs(name)
	return slices.Contains(ids, definition), err
}

// of checks that a contract is of a template as it is shipped or was, and not another under the same name, and that it
// holds plain tenge: who is paid by it may have no way to spend other money, or none to be paid it.
func (d *Client) of(ctx context.Context, id token.WalletID, template string) (api.ContractView, error) {
	view, err := d.API.Contract(ctx, id, 0)
	if err != nil {
		return view, err
	}
	ids, err := templateIDs(template)
	if err != nil {
		return view, err
	}
	if !slices.Contains(ids, view.Definition) {
		return view, token.Errorf(contract.BadTerms, "contract", "%s is of definition %q (%s), not of the template %s",
			id, view.Name, view.Definition, template)
	}
	for _, purpose := range view.Assets {
		if purpose != 0 {
			return view, token.Errorf(UnexpectedMoney, "assets",
				"%s holds money of purpose %d, not plain tenge: it may be paid only to whom that purpose permits", id,
				purpose)
		}
	}
	return view, nil
}

// Channel is what both sides know of a channel from the ledger.
type Channel struct {
	channel.Terms
	Sender   token.WalletID `json:"sender"`
	Receiver token.WalletID `json:"receiver"`
	Paid     money.Tiyn     `json:"paid"` // by the contract so far
	Window   uint64         `json:"window_millis"`
	Ends     uint64         `json:"ends_millis"`
}

// Channel reads a channel.
func (d *Client) Channel(ctx context.Context, id token.WalletID) (Channel, error) {
	view, err := d.of(ctx, id, "channel")
	if err != nil {
		return Channel{}, err
	}
	c := Channel{Sender: view.Parties[0], Receiver: view.Parties[1], Paid: money.Tiyn(view.State[0]),
		Window: uint64(view.Terms[3].Int), Ends: view.EndsMillis}
	copy(c.Key[:], view.Terms[0].Text)
	c.ID = channel.ID{Network: d.Network, Contract: id}
	c.Tick, c.MaxDay = money.Tiyn(view.Terms[1].Int), money.Tiyn(view.Terms[2].Int)
	c.Deposit, c.Created, c.Left = c.Paid+view.Held[0], view.CreatedMillis, uint64(view.State[1])
	return c, nil
}

// Meter is what everybody knows of a metered contract from the ledger.
type Meter struct {
	Contract  token.WalletID   `json:"contract"`
	Parties   []token.WalletID `json:"parties"` // customer, supplier, meter, arbiter
	Tariff    meter.Tariff     `json:"tariff"`
	Watts     int64            `json:"watts"`
	Cap       money.Tiyn       `json:"cap"`
	At        uint64           `json:"at_millis"` // of the last reading that was billed
	Registers meter.Registers  `json:"registers_wh"`
	Billed    money.Tiyn       `json:"billed"`
	Due       uint64           `json:"due_millis"`
	Open      int64            `json:"open"` // 1 disputed, 2 claimed without a reading
	Held      money.Tiyn       `json:"held"`
}

// Meter reads a metered contract.
func (d *Client) Meter(ctx context.Context, id token.WalletID) (Meter, error) {
	v, err := d.of(ctx, id, "metered")
	if err != nil {
		return Meter{}, err
	}
	m := Meter{Contract: id, Parties: v.Parties, Watts: v.Terms[4].Int, Cap: money.Tiyn(v.Terms[5].Int),
		At:     uint64(v.State[0]),
		Billed: money.Tiyn(v.State[4]), Due: uint64(v.State[5]), Open: v.State[6], Held: v.Held[0]}
	for zone := range m.Registers {
		m.Tariff.Prices[zone] = money.Tiyn(v.Terms[0].Ints[zone])
		m.Registers[zone] = v.State[1+zone]
	}
	for i := range m.Tariff.Steps {
		m.Tariff.Steps[i] = meter.Step{AboveWh: v.Terms[1].Ints[2*i], Adds: money.Tiyn(v.Terms[1].Ints[2*i+1])}
	}
	return m, nil
}

// Bill presents a meter's signed reading for a bill.
func (d *Client) Bill(ctx context.Context, id, by token.WalletID, r meter.Reading, chain token.Hash,
	signature token.Signature) (node.Receipt, error) {
	return d.Call(ctx, Call{Contract: id, By: by, Action: "bill", Document: &chain, Args: []token.Value{
		token.Int(int64(r.AtMillis)), token.Int(r.Registers[0]), token.Int(r.Registers[1]), token.Int(r.Registers[2]),
		token.Bytes(signature[:]),
	}})
}

// MoneyNamed is a purpose's number as the term that names a contract's money: plain, or AGENCY/PURPOSE.
func (d *Client) MoneyNamed(ctx context.Context, purpose uint32) (token.Value, error) {
	if purpose == 0 {
		return token.Text(contract.Plain), nil
	}
	p, err := d.Purpose(ctx, strconv.FormatUint(uint64(purpose), 10))
	if err != nil {
		return token.Value{}, err
	}
	name, err := d.PurposeName(ctx, p)
	return token.Text(name), err
}

// CertificateDigest is what a registry signs to certify a subject for a grant, with a certificate's hash. The contract
// computes the same, so that its bytes may never change.
func CertificateDigest(network token.NetworkID, id token.WalletID, subject, certificate token.Hash) [32]byte {
	b := append([]byte("certificate"), network[:]...)
	b = append(append(append(b, id[:]...), subject[:]...), certificate[:]...)
	return contract.MessageDigest(b)
}
