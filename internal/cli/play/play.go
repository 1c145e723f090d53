package play

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Play is what is read: people with money, a contract, and what they do.
type Play struct {
	Definition string            `yaml:"definition"` // file or template; the command line's goes first
	Now        string            `yaml:"now"`        // when it begins: a day or a time; now if it is not said
	People     map[string]Person `yaml:"people"`
	// asset → file of the purpose; of other assets, plain tenge; other words name purposes besides
	Purposes map[string]string `yaml:"purposes"`
	Create   Move              `yaml:"create"`
	Steps    []Move            `yaml:"steps"`
}

// Person is one of them.
type Person struct {
	Role      string            `yaml:"role"`
	Region    string            `yaml:"region"`
	Category  uint16            `yaml:"category"`
	Vouched   []string          `yaml:"vouched"` // by agencies: AGENCY/WHAT
	Tier      string            `yaml:"tier"`    // limited, normal or unlimited, which is the default
	Money     string            `yaml:"money"`   // plain tenge at the beginning
	Earmarked map[string]string `yaml:"marked"`  // asset, or word of a purpose → tenge marked for it
}

// Move is a creation, an action, a payment, a purpose that is registered, or time that passes.
type Move struct {
	By      string            `yaml:"by"`
	Act     string            `yaml:"act"`
	Wait    string            `yaml:"wait"` // first lets time pass: 36h, 2d, until a date, or the next "each 1st"
	Parties map[string]string `yaml:"parties"`
	Terms   map[string]string `yaml:"terms"`
	Args    map[string]string `yaml:"args"`
	Pay     map[string]string `yaml:"pay"`  // asset → tenge
	Send    string            `yaml:"send"` // tenge to pay, from By to To
	To      string            `yaml:"to"`   // of a payment
	// of a payment: the word of the purpose whose money pays; plain if it is not said
	Of string `yaml:"of"`
	// of a payment: the word of the purpose for which plain money is marked by it
	Mark string `yaml:"mark"`
	// a purpose's file, such as an amendment; its agency is By, or that of what it amends
	Register string `yaml:"register"`
	Document string `yaml:"document"`
	Expect   string `yaml:"expect"` // the code of a refusal
}

// Scene is a moment of a play, as it is shown.
type Scene struct {
	Step     int                              `json:"step"`
	What     string                           `json:"what"`
	Millis   uint64                           `json:"time_millis"`
	Refused  *token.Error                     `json:"refused,omitempty"`
	State    map[string]int64                 `json:"state,omitempty"`
	Words    map[string]token.Hash            `json:"registers,omitempty"`
	Until    uint64                           `json:"until_millis,omitempty"`
	Held     map[string]money.Tiyn            `json:"held,omitempty"`
	Ended    bool                             `json:"ended,omitempty"`
	Balances map[string]map[string]money.Tiyn `json:"balances"` // person → plain, or a word of a purpose
}

// Read reads a play's file.
func Read(path string) (p Play, err error) {
	data, err := cli.ReadLimited(path, MaxRules)
	if err != nil {
		return p, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// PlainMoney is what a play calls tenge without a mark.
const PlainMoney = "plain"

// Stage is a play on its dry ledger.
type Stage struct {
	Play
	chain    *sim.Chain
	model    *ledger.Model
	program  *contract.Program
	names    []string
	people   map[string]token.WalletID
	purposes []uint32 // by asset
	words    []named  // of purposes, as they came to be
	contract token.WalletID
}

// Stage founds the ledger: people are registered by the authority and funded by a bank.
func (p Play) Stage() (*Stage, error) {
	program, err := ReadDefinition(p.Definition)
	if err != nil {
		return nil, err
	}
	s := &Stage{Play: p, model: ledger.NewModel(), program: program, people: map[string]token.WalletID{}}
	s.chain = sim.NewWorld(1).NewChain(s.model)
	begins := time.Now().UnixMilli()
	if p.Now != "" {
		at, err := contract.ParseValue(token.IntValue, p.Now, -1)
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("now: %w", err))
		}
		begins = at.Int
	}
	if begins < sim.StartMillis-86_400_000 || begins > token.MaxValidUntil {
		return nil, cli.Usage(fmt.Errorf("now: %q: want a time since 2026-01-01", p.Now))
	}
	s.chain.Now = max(s.chain.Now, uint64(begins))
	admit, bank := s.chain.Admit("bank", 1, s.chain.Now+1000)
	if err := s.chain.Try(admit); err != nil {
		return nil, err
	}
	if _, err := s.agency("agency"); err != nil { // of purposes for which a definition demands none
		return nil, err
	}
	for name := range p.People {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	for _, name := range s.names {
		who := p.People[name]
		tier := slices.IndexFunc(sim.Policy().Tiers,
			func(t token.Tier) bool { return t.Name == cmp.Or(who.Tier, "unlimited") })
		if tier < 0 {
			return nil, cli.Usage(fmt.Errorf("people.%s.tier: %q: want limited, normal or unlimited", name, who.Tier))
		}
		register := s.chain.Make(&token.Register{Sequence: s.sequence(token.RolePolicy),
			Key: s.chain.Key(name).Public(), Tier: uint8(tier),
			Attributes: token.Attributes{Role: who.Role, Region: who.Region, Category: who.Category}})
		if err := s.chain.Try(register); err != nil {
			return nil, fmt.Errorf("people.%s: %w", name, err)
		}
		s.people[name] = token.RegisteredID(register.ID())
		if err := s.vouch(name, who.Vouched); err != nil {
			return nil, err
		}
	}
	if err := s.chain.Try(s.chain.Make(&token.Define{Sequence: s.sequence(token.RolePolicy),
		Definition: program.Definition.Encode()})); err != nil {
		return nil, err
	}
	if err := s.registerPurposes(); err != nil {
		return nil, err
	}
	return s, s.fund(bank)
}

// sequence is the one that a set of the authority names next.
func (s *Stage) sequence(role token.Role) uint64 { return s.model.Central.Set(role).Sequence }

// agencyOf is the agency whose purpose a definition demands for an asset, else one of no particular name.
func (s *Stage) agencyOf(asset string) string {
	demand := regexp.MustCompile(`purpose\.` + regexp.QuoteMeta(asset) + ` == "([^"/]+)/`)
	if found := demand.FindStringSubmatch(s.program.Definition.Create.When); found != nil {
		return found[1]
	}
	return "agency"
}

// agency is the agency of a name, granted the role if it has it not yet.
func (s *Stage) agency(name string) (token.WalletID, error) {
	for _, id := range s.model.Agencies() {
		if a, _ := s.model.Agency(id); a.Name == name {
			return id, nil
		}
	}
	set := s.chain.Make(&token.SetAgency{Sequence: s.sequence(token.RolePolicy), Name: name,
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{s.chain.Key(name).Public()}}})
	if err := s.chain.Try(set); err != nil {
		return token.WalletID{}, fmt.Errorf("agency %s: %w", name, err)
	}
	return token.RegisteredID(set.ID()), nil
}

// vouch lets agencies vouch for a person.
func (s *Stage) vouch(name string, words []string) error {
	for _, word := range words {
		at := strings.LastIndexByte(word, '/')
		if at < 1 {
			return cli.Usage(fmt.Errorf("people.%s.vouched: %q: want AGENCY/WHAT", name, word))
		}
		agency, err := s.agency(word[:at])
		if err != nil {
			return err
		}
		a, _ := s.model.Agency(agency)
		vouch := &token.Vouch{Agency: agency, Sequence: a.Sequence, Wallet: s.people[name], As: word[at+1:]}
		if _, err := token.New(vouch, s.chain.Now); err != nil {
			return fmt.Errorf("people.%s.vouched: %w", name, err)
		}
		if err := s.chain.Try(s.chain.Make(vouch)); err != nil {
			return fmt.Errorf("people.%s.vouched: %w", name, err)
		}
	}
	return nil
}

// admitted finds the definitions that a purpose names: the one that is played by its name, others as files or
// templates.
func (s *Stage) admitted(names []string) (ids []token.Hash, err error) {
	for _, name := range names {
		if own := s.program.Definition.Name; name == own || strings.ReplaceAll(name, "-", "_") == own ||
			name == s.program.ID().String() {
			ids = append(ids, s.program.ID())
			continue
		}
		other, err := ReadDefinition(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, other.ID())
	}
	return ids, nil
}

// Perform plays the creation and all steps. It stops where something is refused that was not expected.
func (s *Stage) Perform() (scenes []Scene, err error) {
	for i, m := range append([]Move{s.Create}, s.Steps...) {
		what, refused, err := s.step(i, m)
		if err != nil {
			return scenes, cli.Usage(fmt.Errorf("step %d: %w", i, err))
		}
		scenes = append(scenes, s.scene(i, what, refused))
		switch {
		case refused == nil && m.Expect != "":
			return scenes, fmt.Errorf("step %d was to be refused by %s, and was done", i, m.Expect)
		case refused != nil && string(refused.Code) != m.Expect:
			return scenes, refused
		}
	}
	return scenes, nil
}

// check refuses a step that does nothing, or several things of which one would be done.
func (m *Move) check(i int) error {
	if i == 0 {
		return nil
	}
	does := 0
	for _, one := range []string{m.Act, m.Send, m.Register} {
		if one != "" {
			does++
		}
	}
	switch {
	case does > 1:
		return errors.New("a step does one thing: act, send or register")
	case does == 0 && m.Wait == "":
		return errors.New("it does nothing: want act, send, register or wait")
	case does == 0 && m.Expect != "":
		return errors.New("expect: time that passes is not refused")
	}
	return nil
}

// step lets time pass and executes a move. What a move lacks is refused as the ledger, or the wallet that asks it,
// does.
func (s *Stage) step(i int, m Move) (what string, refused *token.Error, err error) {
	if err := m.check(i); err != nil {
		return "", nil, err
	}
	if m.Wait != "" {
		until, err := contract.ParseDeadline(m.Wait, int64(s.chain.Now))
		if err != nil || uint64(until) < s.chain.Now {
			return "", nil, fmt.Errorf("wait: %q: want a span such as 36h or 30d, a later date, or a day of the "+
				"calendar such as \"each 1st\"", m.Wait)
		}
		s.pass(uint64(until) - s.chain.Now)
		what = "after " + m.Wait + ": "
	}
	// A second for each move: what falls due does so between moves and never within one.
	s.pass(1000)
	var body token.Body
	switch {
	case i == 0:
		what += m.By + " creates it"
		body, err = s.body(i, m)
	case m.Act != "":
		what += m.By + ": " + m.Act
		body, err = s.body(i, m)
	case m.Send != "":
		what += m.By + " pays " + m.To + " " + m.Send
		body, err = s.payment(m)
	case m.Register != "":
		what += m.Register + " is registered"
		body, err = s.purposeOf(m)
	default:
		return strings.TrimSuffix(what, ": "), nil, nil
	}
	if errors.As(err, &refused) {
		return what, refused, nil
	}
	if err != nil {
		return "", nil, err
	}
	// What the form refuses never reaches a ledger, and is shown as a refusal all the same.
	if _, err := token.New(body, s.chain.Now); errors.As(err, &refused) {
		return what, refused, nil
	} else if err != nil {
		return "", nil, err
	}
	tx := s.chain.Make(body)
	if i == 0 {
		s.contract = token.RegisteredID(tx.ID())
	}
	if refused = s.chain.Try(tx); refused == nil && m.Register != "" {
		s.nameNewest()
	}
	return what, refused, nil
}

// body is what a step sends: the creation first, and then actions. Names are the play's people.
func (s *Stage) body(i int, m Move) (token.Body, error) {
	d := s.program.Definition
	caller, ok := s.people[m.By]
	if !ok {
		return nil, fmt.Errorf("by: nobody is called %q", m.By)
	}
	paid, inputs, err := s.brings(caller, m.Pay)
	if err != nil {
		return nil, err
	}
	var document *token.Hash
	if m.Document != "" {
		h := token.Hash(sha256.Sum256([]byte(m.Document)))
		document = &h
	}
	if i > 0 {
		act := &token.Act{Contract: s.contract, Version: 1, Action: m.Act, Caller: caller, Args: []token.Value{},
			Inputs: inputs, Paid: paid, Document: document}
		// A contract that has ended is acted on too: the refusal is what the play wants to see.
		if c := s.model.Contract(s.contract); c != nil {
			act.Version = c.Version
		}
		if at, known := d.Action(m.Act); known {
			act.Args, err = s.valuesIn(d.Actions[at].Args, m.Args)
		}
		return act, err
	}
	create := &token.Create{Creator: caller, Definition: s.program.ID(), Assets: s.purposes, Inputs: inputs, Paid: paid,
		Document: document}
	for _, party := range d.Parties {
		name := party
		if m.Parties[party] != "" {
			name = m.Parties[party]
		}
		id, ok := s.people[name]
		if !ok {
			return nil, fmt.Errorf("create.parties: nobody is called %q", name)
		}
		create.Parties = append(create.Parties, id)
	}
	create.Terms, err = s.valuesIn(d.Terms, m.Terms)
	return create, err
}

// valuesIn reads values of a play: of bytes, "sha256 of TEXT" is a hash, "root of FILE" a register's root, and "proof
// of NAME in FILE" a member's path.
func (s *Stage) valuesIn(fields []contract.Field, given map[string]string) ([]token.Value, error) {
	values := []token.Value{}
	for _, f := range fields {
		text, ok := given[f.Name]
		if !ok {
			return nil, fmt.Errorf("%s (%s) is missing", f.Name, f.Type)
		}
		if of, isHash := strings.CutPrefix(text, "sha256 of "); isHash && f.Type == token.BytesValue {
			h := sha256.Sum256([]byte(of))
			values = append(values, token.Bytes(h[:]))
			continue
		}
		if value, ok, err := s.ofMembers(text); ok || err != nil {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			values = append(values, value)
			continue
		}
		v, err := s.program.Definition.ParseField(f, text, int64(s.chain.Now))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		values = append(values, v)
	}
	return values, nil
}

func (s *Stage) balance(who token.WalletID, purpose uint32) (sum money.Tiyn) {
	for _, t := range s.model.Tokens {
		if t.Wallet == who && t.Asset == token.PurposeAsset(purpose) {
			sum += t.Amount
		}
	}
	return sum
}

func (s *Stage) scene(i int, what string, refused *token.Error) Scene {
	d := s.program.Definition
	out := Scene{Step: i, What: what, Millis: s.chain.Now, Refused: refused, State: map[string]int64{},
		Words: map[string]token.Hash{}, Held: map[string]money.Tiyn{}, Balances: map[string]map[string]money.Tiyn{}}
	c := s.model.Contract(s.contract)
	out.Ended = c == nil && (i > 0 || refused == nil)
	if c != nil {
		out.Until = c.EndsMillis
		for j, v := range d.State {
			if place := s.program.Register(j); place >= 0 {
				out.Words[v.Name] = c.Registers[place]
				continue
			}
			out.State[v.Name] = c.State[j]
		}
	}
	for j, asset := range d.Assets {
		if c != nil {
			out.Held[asset] = s.balance(s.contract, c.Assets[j])
		}
	}
	for _, name := range s.names {
		out.Balances[name] = map[string]money.Tiyn{PlainMoney: s.balance(s.people[name], 0)}
		for _, p := range s.words {
			out.Balances[name][p.word] = s.balance(s.people[name], p.number)
		}
	}
	return out
}

// Definition is the one that is played.
func (s *Stage) Definition() *contract.Definition { return s.program.Definition }

// Names are the people's, in order.
func (s *Stage) Names() []string { return s.names }

// Words are those by which the play knows its purposes, in the order in which they came to be.
func (s *Stage) Words() (words []string) {
	for _, p := range s.words {
		words = append(words, p.word)
	}
	return words
}
