package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// play is what simulate reads: people with money, a contract, and what they do.
type play struct {
	Definition string            `yaml:"definition"` // file or template; the command line's goes first
	Now        string            `yaml:"now"`        // when it begins: a day or a time; now if it is not said
	People     map[string]person `yaml:"people"`
	Purposes   map[string]string `yaml:"purposes"` // asset → file of the purpose; of other assets, plain tenge
	Create     move              `yaml:"create"`
	Steps      []move            `yaml:"steps"`
}

type person struct {
	Role     string            `yaml:"role"`
	Region   string            `yaml:"region"`
	Category uint16            `yaml:"category"`
	Vouched  []string          `yaml:"vouched"` // by agencies: AGENCY/WHAT
	Tier     string            `yaml:"tier"`    // limited, normal or unlimited, which is the default
	Money    string            `yaml:"money"`   // plain tenge at the beginning
	Marked   map[string]string `yaml:"marked"`  // asset → tenge marked for it
}

// move is a creation, an action, or time that passes.
type move struct {
	By       string            `yaml:"by"`
	Act      string            `yaml:"act"`
	Wait     string            `yaml:"wait"` // first lets time pass: 36h, 2d
	Parties  map[string]string `yaml:"parties"`
	Terms    map[string]string `yaml:"terms"`
	Args     map[string]string `yaml:"args"`
	Pay      map[string]string `yaml:"pay"` // asset → tenge
	Document string            `yaml:"document"`
	Expect   string            `yaml:"expect"` // the code of a refusal
}

// moment of a play, as it is printed.
type scene struct {
	Step     int                              `json:"step"`
	What     string                           `json:"what"`
	Millis   uint64                           `json:"time_millis"`
	Refused  *token.Error                     `json:"refused,omitempty"`
	State    map[string]int64                 `json:"state,omitempty"`
	Words    map[string]token.Hash            `json:"registers,omitempty"`
	Until    uint64                           `json:"until_millis,omitempty"`
	Held     map[string]money.Tiyn            `json:"held,omitempty"`
	Ended    bool                             `json:"ended,omitempty"`
	Balances map[string]map[string]money.Tiyn `json:"balances"` // person → plain, or a marked asset
}

// plainMoney is what a play calls tenge without a mark.
const plainMoney = "plain"

func newContractSimulate() *cobra.Command {
	return &cobra.Command{
		Use: "simulate PLAY.yaml [DEFINITION]", Short: "Play actions against a definition on a dry ledger, and print state and money after each",
		Long: `A play names people with money, how the contract is created, and steps: who acts, with what,
and how much time passes. The ledger is a real one, in memory: the same rules decide, of version 3; purposes are registered as
they stand in their files and must admit the definition under contracts. "now: 2026-09-01" begins at
a day, or else it is today; people may be of a tier (limited, normal, unlimited). A step with
expect: CODE must be refused by that code. Terms and arguments are written as for "contract create"; of a
register of members (see "contract members") "root of FILE" and "proof of NAME in FILE" are written so, where
"without A, B" after it names members that have claimed.`,
		Example: "  aqsha contract simulate play.yaml escrow\n  aqsha contract simulate play.yaml --json", Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, args []string) error {
			data, err := readLimited(args[0], maxRules)
			if err != nil {
				return err
			}
			var p play
			decoder := yaml.NewDecoder(bytes.NewReader(data))
			decoder.KnownFields(true)
			if err := decoder.Decode(&p); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if len(args) == 2 {
				p.Definition = args[1]
			}
			stage, err := p.stage()
			if err != nil {
				return err
			}
			scenes, played := stage.perform()
			shown := show(command, scenes, func(w io.Writer) {
				for i := range scenes {
					stage.describe(w, &scenes[i])
				}
			})
			if played != nil {
				return played
			}
			return shown
		},
	}
}

// stage is a play on its dry ledger.
type stage struct {
	play
	chain    *sim.Chain
	model    *ledger.Model
	program  *contract.Program
	names    []string
	people   map[string]token.WalletID
	purposes []uint32 // by asset
	contract token.WalletID
	until    uint64 // the end that was shown last
}

// stage founds the ledger: people are registered by the authority and funded by a bank.
func (p play) stage() (*stage, error) {
	program, err := readDefinition(p.Definition)
	if err != nil {
		return nil, err
	}
	s := &stage{play: p, model: ledger.NewModel(), program: program, people: map[string]token.WalletID{}}
	s.chain = sim.NewWorld(1).NewChain(s.model)
	begins := time.Now().UnixMilli()
	if p.Now != "" {
		at, err := contract.ParseValue(token.IntValue, p.Now)
		if err != nil {
			return nil, usageError{fmt.Errorf("now: %w", err)}
		}
		begins = at.Int
	}
	if begins < sim.StartMillis-86_400_000 || begins > token.MaxValidUntil {
		return nil, usageError{fmt.Errorf("now: %q: want a time since 2026-01-01", p.Now)}
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
		tier := slices.IndexFunc(sim.Policy().Tiers, func(t token.Tier) bool { return t.Name == cmp.Or(who.Tier, "unlimited") })
		if tier < 0 {
			return nil, usageError{fmt.Errorf("people.%s.tier: %q: want limited, normal or unlimited", name, who.Tier)}
		}
		register := s.chain.Make(&token.Register{Sequence: s.sequence(token.RolePolicy), Key: s.chain.Key(name).Public(), Tier: uint8(tier),
			Attributes: token.Attributes{Role: who.Role, Region: who.Region, Category: who.Category}})
		if err := s.chain.Try(register); err != nil {
			return nil, fmt.Errorf("people.%s: %w", name, err)
		}
		s.people[name] = token.RegisteredID(register.ID())
		if err := s.vouch(name, who.Vouched); err != nil {
			return nil, err
		}
	}
	if err := s.chain.Try(s.chain.Make(&token.Define{Sequence: s.sequence(token.RolePolicy), Definition: program.Definition.Encode()})); err != nil {
		return nil, err
	}
	if err := s.registerPurposes(); err != nil {
		return nil, err
	}
	return s, s.fund(bank)
}

// sequence is the one that a set of the authority names next.
func (s *stage) sequence(role token.Role) uint64 { return s.model.Central.Set(role).Sequence }

// agencyOf is the agency whose purpose a definition demands for an asset, else one of no particular name.
func (s *stage) agencyOf(asset string) string {
	demand := regexp.MustCompile(`purpose\.` + regexp.QuoteMeta(asset) + ` == "([^"/]+)/`)
	if found := demand.FindStringSubmatch(s.program.Definition.Create.When); found != nil {
		return found[1]
	}
	return "agency"
}

// agency is the agency of a name, granted the role if it has it not yet.
func (s *stage) agency(name string) (token.WalletID, error) {
	for _, id := range s.model.Agencies() {
		if a, _ := s.model.Agency(id); a.Name == name {
			return id, nil
		}
	}
	set := s.chain.Make(&token.SetAgency{Sequence: s.sequence(token.RolePolicy), Name: name, Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{s.chain.Key(name).Public()}}})
	if err := s.chain.Try(set); err != nil {
		return token.WalletID{}, fmt.Errorf("agency %s: %w", name, err)
	}
	return token.RegisteredID(set.ID()), nil
}

// vouch lets agencies vouch for a person.
func (s *stage) vouch(name string, words []string) error {
	for _, word := range words {
		at := strings.LastIndexByte(word, '/')
		if at < 1 {
			return usageError{fmt.Errorf("people.%s.vouched: %q: want AGENCY/WHAT", name, word)}
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

func (s *stage) registerPurposes() error {
	for _, asset := range s.program.Definition.Assets {
		file := s.Purposes[asset]
		if file == "" {
			s.purposes = append(s.purposes, 0)
			continue
		}
		source, err := readPurpose(file)
		if err != nil {
			return err
		}
		p := source.Purpose
		p.Returns = s.people[source.Returns]
		if p.Contracts, err = s.admitted(source.Contracts); err != nil {
			return fmt.Errorf("%s: contracts: %w", file, err)
		}
		for i, becomes := range source.Becomes {
			if becomes == "plain" || becomes == "same" {
				continue
			}
			if p.Permits[i].Becomes = s.numberOf(becomes); p.Permits[i].Becomes == 0 {
				return usageError{fmt.Errorf("%s: permits[%d].becomes: %q: want plain, same, or the purpose of an asset before", file, i, becomes)}
			}
		}
		agency, err := s.agency(s.agencyOf(asset))
		if err != nil {
			return err
		}
		a, _ := s.model.Agency(agency)
		if err := s.chain.Try(s.chain.Make(&token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: p})); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		s.purposes = append(s.purposes, uint32(s.model.Purposes()))
	}
	return nil
}

// admitted finds the definitions that a purpose names: the one that is played by its name, others as files or templates.
func (s *stage) admitted(names []string) (ids []token.Hash, err error) {
	for _, name := range names {
		if own := s.program.Definition.Name; name == own || strings.ReplaceAll(name, "-", "_") == own || name == s.program.ID().String() {
			ids = append(ids, s.program.ID())
			continue
		}
		other, err := readDefinition(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, other.ID())
	}
	return ids, nil
}

// numberOf is the purpose of a name that stands already, 0 for none.
func (s *stage) numberOf(name string) uint32 {
	for number := uint32(1); int(number) <= s.model.Purposes(); number++ {
		if s.model.Purpose(number).Name == name {
			return number
		}
	}
	return 0
}

// fund gives everybody what the play says. Marked money is put there by the stage, whoever may mark.
func (s *stage) fund(bank token.WalletID) error {
	for _, name := range s.names {
		give := func(text string, purpose uint32) error {
			if text == "" {
				return nil
			}
			amount, err := money.ParseTenge(text)
			if err != nil || amount == 0 {
				return fmt.Errorf("people.%s: %q is no amount: %w", name, text, err)
			}
			issue := s.chain.Make(&token.Issue{Sequence: s.sequence(token.RoleIssue), To: bank, Amounts: []money.Tiyn{amount}})
			if err := s.chain.Try(issue); err != nil {
				return err
			}
			pay := s.chain.Make(&token.Transfer{Parties: []token.WalletID{bank, s.people[name]}, Payers: 1, Inputs: []token.ID{token.OutputID(issue.ID(), 0)}, Outputs: []token.Output{{Party: 1, Amount: amount}}})
			if err := s.chain.Try(pay); err != nil {
				return err
			}
			if purpose != 0 {
				id := token.OutputID(pay.ID(), 0)
				held := s.model.Tokens[id]
				held.Asset = token.PurposeAsset(purpose)
				s.model.Tokens[id] = held
				s.model.Purpose(purpose).Entered += amount
			}
			return nil
		}
		if err := give(s.People[name].Money, 0); err != nil {
			return err
		}
		for i, asset := range s.program.Definition.Assets {
			if err := give(s.People[name].Marked[asset], s.purposes[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// perform plays the creation and all steps. It stops where something is refused that was not expected.
func (s *stage) perform() (scenes []scene, err error) {
	for i, m := range append([]move{s.Create}, s.Steps...) {
		what, refused, err := s.step(i, m)
		if err != nil {
			return scenes, usageError{fmt.Errorf("step %d: %w", i, err)}
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

// step lets time pass and executes a move.
func (s *stage) step(i int, m move) (what string, refused *token.Error, err error) {
	if m.Wait != "" {
		wait, err := duration(m.Wait)
		if err != nil {
			return "", nil, err
		}
		s.chain.Now += uint64(wait.Milliseconds())
		what = "after " + m.Wait + ": "
	}
	s.chain.Now += 1000
	if i > 0 && m.Act == "" {
		s.chain.Block()
		return strings.TrimSuffix(what, ": "), nil, nil
	}
	body, err := s.body(i, m)
	if err != nil {
		return "", nil, err
	}
	if i == 0 {
		what += m.By + " creates it"
	} else {
		what += m.By + ": " + m.Act
	}
	if _, err := token.New(body, s.chain.Now); err != nil {
		return "", nil, err
	}
	tx := s.chain.Make(body)
	if i == 0 {
		s.contract = token.RegisteredID(tx.ID())
	}
	return what, s.chain.Try(tx), nil
}

func (s *stage) body(i int, m move) (token.Body, error) {
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
		act := &token.Act{Contract: s.contract, Version: 1, Action: m.Act, Caller: caller, Inputs: inputs, Paid: paid, Document: document}
		if c := s.model.Contract(s.contract); c != nil {
			act.Version = c.Version
		}
		if at, known := d.Action(m.Act); known {
			act.Args, err = s.valuesIn(d.Actions[at].Args, m.Args)
		}
		return act, err
	}
	create := &token.Create{Creator: caller, Definition: s.program.ID(), Assets: s.purposes, Inputs: inputs, Paid: paid, Document: document}
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

// valuesIn reads values of a play: of bytes, "sha256 of TEXT" is a hash, "root of FILE" a register's root, and "proof of NAME in FILE" a
// member's path.
func (s *stage) valuesIn(fields []contract.Field, given map[string]string) ([]token.Value, error) {
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
		v, err := contract.ParseValue(f.Type, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		values = append(values, v)
	}
	return values, nil
}

// brings chooses tokens for what is paid in.
func (s *stage) brings(who token.WalletID, pay map[string]string) (paid []money.Tiyn, inputs []token.ID, err error) {
	for i, asset := range s.program.Definition.Assets {
		amount := money.Tiyn(0)
		if text := pay[asset]; text != "" {
			if amount, err = money.ParseTenge(text); err != nil {
				return nil, nil, fmt.Errorf("pay.%s: %w", asset, err)
			}
		}
		paid = append(paid, amount)
		if amount > 0 {
			inputs = append(inputs, s.tokens(who, s.purposes[i])...)
		}
	}
	return paid, inputs, nil
}

// tokens lists a wallet's tokens of a purpose in id order.
func (s *stage) tokens(who token.WalletID, purpose uint32) (ids []token.ID) {
	for id, t := range s.model.Tokens {
		if t.Wallet == who && t.Asset.Purpose == purpose {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b token.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func (s *stage) balance(who token.WalletID, purpose uint32) (sum money.Tiyn) {
	for _, id := range s.tokens(who, purpose) {
		sum += s.model.Tokens[id].Amount
	}
	return sum
}

// duration reads Go's durations, and days.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

func (s *stage) scene(i int, what string, refused *token.Error) scene {
	d := s.program.Definition
	out := scene{Step: i, What: what, Millis: s.chain.Now, Refused: refused, State: map[string]int64{}, Words: map[string]token.Hash{}, Held: map[string]money.Tiyn{}, Balances: map[string]map[string]money.Tiyn{}}
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
		out.Balances[name] = map[string]money.Tiyn{plainMoney: s.balance(s.people[name], 0)}
		for j, asset := range d.Assets {
			if s.purposes[j] != 0 {
				out.Balances[name][asset] = s.balance(s.people[name], s.purposes[j])
			}
		}
	}
	return out
}

func (s *stage) describe(w io.Writer, sc *scene) {
	d := s.program.Definition
	fmt.Fprintf(w, "%d  %s\n", sc.Step, plain(sc.What))
	if sc.Refused != nil {
		fmt.Fprintf(w, "   refused: %s\n", plain(sc.Refused.Error()))
	}
	var parts []string
	if sc.Until != s.until && s.until != 0 && sc.Until != 0 {
		parts = append(parts, "it goes on until "+moment(sc.Until))
	}
	s.until = sc.Until
	for _, v := range d.State {
		if n, ok := sc.State[v.Name]; ok {
			parts = append(parts, fmt.Sprintf("%s = %d", v.Name, n))
		} else if word, ok := sc.Words[v.Name]; ok {
			parts = append(parts, fmt.Sprintf("%s = %s…", v.Name, word.String()[:8]))
		}
	}
	if sc.Ended {
		parts = append(parts, "it has ended")
	}
	for _, asset := range d.Assets {
		if held, ok := sc.Held[asset]; ok {
			parts = append(parts, fmt.Sprintf("holds %s of %s", held, asset))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "   %s\n", strings.Join(parts, ", "))
	}
	parts = parts[:0]
	for _, name := range s.names {
		text := fmt.Sprintf("%s %s", name, sc.Balances[name][plainMoney])
		for j, asset := range d.Assets {
			if amount := sc.Balances[name][asset]; amount != 0 && s.purposes[j] != 0 {
				text += fmt.Sprintf(" and %s marked", amount)
			}
		}
		parts = append(parts, text)
	}
	fmt.Fprintf(w, "   %s\n", plain(strings.Join(parts, ", ")))
}
