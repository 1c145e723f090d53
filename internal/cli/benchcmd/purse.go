package benchcmd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// purseBench is what bench purse prints. Ratios are of one run, in turns.
type purseBench struct {
	// the payee's check of a payment of four hops, decoding included, of verifying its signatures
	CheckOverSignatures float64 `json:"check_over_signatures"`
	// payments settled a second by the ledger's rules, of plain transfers in blocks of the same size
	SettleOverTransfers float64 `json:"settle_over_transfers"`
	FilterBytes         float64 `json:"filter_bytes_per_entry"`
	FalseAlarms         float64 `json:"filter_false_alarms_per_thousand"`
	ListBytes           float64 `json:"list_bytes_per_entry"`
	CheckMicros         float64 `json:"check_microseconds"`
	SettleMicros        float64 `json:"settle_microseconds"`
	Bytes               int     `json:"message_bytes"` // of four hops
}

func newBenchPurseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "purse", Short: "Measure offline purses: checking a payment, settling, the revocation filter",
		Long: `Checks a payment of four hops beside verifying its signatures and nothing else; settles payments beside
plain transfers, both by the ledger's rules with every signature verified, in blocks of 256; and makes the filter of
4,000 revoked purses and asks it for 50,000 others.`,
		Example: "  aqsha bench purse --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var result purseBench
			if err := benchCheck(&result); err != nil {
				return err
			}
			if err := benchSettling(&result); err != nil {
				return err
			}
			benchFilter(&result)
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "checking four hops (%d bytes): %.0f µs, %.2f of its signatures\n", result.Bytes,
					result.CheckMicros, result.CheckOverSignatures)
				fmt.Fprintf(w, "settling: %.0f µs a payment, %.2f of plain transfers\n", result.SettleMicros,
					result.SettleOverTransfers)
				fmt.Fprintf(w,
					"revoked purses: %.2f bytes each in the list, %.2f in the filter, %.2f false alarms in "+
						"a thousand\n",
					result.ListBytes, result.FilterBytes, result.FalseAlarms)
			})
		},
	}
}

// benchMillis is the time of all that the bench signs.
const benchMillis = 1_900_000_000_000

// device is a purse that a bank has certified.
type device struct {
	purse.Device
	key token.PrivateKey
}

func newDevice(w *sim.World, n int, deposit money.Tiyn) (*device, error) {
	d := &device{key: w.Key(fmt.Sprint("device ", n))}
	d.Certificate = purse.Certificate{Purse: token.WalletID{1, byte(n)}, Key: d.key.Public(),
		Intermediary: token.WalletID{9}, Serial: 1, Deposit: deposit, Class: purse.Software,
		Limits:       purse.Limits{MaxPayment: 2_000_000, MaxOffline: 10_000_000, MaxHops: 5, AgeHours: 168},
		ExpiryMillis: benchMillis + 1_000_000_000}
	return d, d.Certificate.Sign(w.Network, w.Key("certifier"))
}

// fourHops is a payment of money that has gone through four hands, as its payee sees it.
func fourHops(w *sim.World) (v purse.View, r purse.Request, m purse.Message, _ error) {
	v = purse.View{Network: w.Network, NowMillis: benchMillis,
		Certifiers: map[token.WalletID]token.PublicKey{{9}: w.Key("certifier").Public()}}
	from, err := newDevice(w, 0, 1000)
	if err != nil {
		return v, r, m, err
	}
	for i := range 4 {
		to, err := newDevice(w, i+1, 0)
		if err != nil {
			return v, r, m, err
		}
		r = purse.Request{Payee: to.Certificate.Purse, Nonce: purse.Nonce{byte(i)}, Amount: money.Tiyn(1000 - i)}
		var after purse.Device
		if after, m, err = from.Pay(w.Network, r, benchMillis, from.key); err != nil {
			return v, r, m, err
		}
		from.Device = after
		if to.Device, _, _, err = to.Receive(v, r, m); err != nil {
			return v, r, m, err
		}
		from = to
	}
	return v, r, m, nil
}

func benchCheck(result *purseBench) error {
	w := sim.NewWorld(1)
	v, r, m, err := fourHops(w)
	if err != nil {
		return err
	}
	encoded := m.Append(nil)
	result.Bytes = len(encoded)
	check := func() error {
		got, err := purse.DecodeMessage(encoded)
		if err != nil {
			return err
		}
		if _, refused := purse.Check(&v, &r, &got); refused != nil {
			return refused
		}
		return nil
	}
	keys, digests, signatures := signed(w, &m)
	verify := func() error {
		for i := range digests {
			if !token.Verify(keys[i], digests[i], &signatures[i]) {
				return fmt.Errorf("signature %d does not hold", i)
			}
		}
		return nil
	}
	checking, verifying := time.Hour, time.Hour // the quickest turn: what else the machine does falls on neither
	const turns, each = 40, 25
	for range turns {
		a, err := timesOf(each, check)
		if err != nil {
			return err
		}
		b, err := timesOf(each, verify)
		if err != nil {
			return err
		}
		checking, verifying = min(checking, a), min(verifying, b)
	}
	result.CheckMicros = float64(checking.Microseconds()) / each
	result.CheckOverSignatures = float64(checking) / float64(verifying)
	return nil
}

// signed are a payment's signatures, with what they sign and by whom.
func signed(w *sim.World, m *purse.Message) (keys []token.PublicKey, digests []token.Hash, all []token.Signature) {
	of := map[token.WalletID]token.PublicKey{}
	for i := range m.Certificates {
		c := &m.Certificates[i]
		of[c.Purse] = c.Key
		keys, digests, all = append(keys, w.Key("certifier").Public()), append(digests, c.Digest(w.Network)),
			append(all, c.Signature)
	}
	for i := range m.Links {
		l := &m.Links[i]
		keys, digests, all = append(keys, of[l.Purse]), append(digests, l.ID(w.Network)), append(all, l.Signature)
	}
	return keys, digests, all
}

func timesOf(times int, act func() error) (time.Duration, error) {
	begin := time.Now()
	for range times {
		if err := act(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

const (
	settlers   = 64 // purses that pay, and as many wallets
	settleEach = 32 // payments of each
	perBlock   = 256
)

// benchSettling lets purses' payments settle, half to purses and half to wallets, and as many wallets pay each other.
func benchSettling(result *purseBench) error {
	w := sim.NewWorld(1)
	c := w.NewChain(ledger.NewModel())
	town, err := newSettling(w, c)
	if err != nil {
		return err
	}
	var settling, paying time.Duration
	for at := 0; at < len(town.settlements); at += perBlock {
		a, err := town.enter(town.settlements[at : at+perBlock])
		if err != nil {
			return err
		}
		b, err := town.enter(town.transfers[at : at+perBlock])
		if err != nil {
			return err
		}
		settling, paying = settling+a, paying+b
	}
	result.SettleMicros = float64(settling.Microseconds()) / float64(len(town.settlements))
	result.SettleOverTransfers = float64(paying) / float64(settling)
	return nil
}

type settlingTown struct {
	chain                  *sim.Chain
	settlements, transfers []*token.Transaction
}

func (t *settlingTown) enter(txs []*token.Transaction) (time.Duration, error) {
	begin := time.Now()
	refused := t.chain.Block(txs...)
	took := time.Since(begin)
	for _, err := range refused {
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

func newSettling(w *sim.World, c *sim.Chain) (*settlingTown, error) {
	t, state := &settlingTown{chain: c}, c.State
	admission, bank := w.Admit("bench", state.Authority().Set(token.RolePolicy).Sequence, c.Now+1000)
	if err := c.Try(admission); err != nil {
		return nil, err
	}
	sequence := func() uint64 { b, _ := state.Intermediary(bank); return b.Sequence }
	// Twice as much for each: once in tokens of a tenge for transfers, once in purses for links, so that both sides
	// move the same money.
	const each = settleEach * money.Tenge
	issue := c.Must(&token.Issue{Sequence: state.Authority().Set(token.RoleIssue).Sequence, To: bank,
		Amounts: []money.Tiyn{2 * settlers * each}})
	c.Must(&token.BondPurses{Intermediary: bank, Sequence: sequence(), Certifier: w.Key("certifier").Public()})
	var wallets, purses []token.WalletID
	for i := range settlers {
		key := w.Key(fmt.Sprint("wallet ", i)).Public()
		wallets = append(wallets, token.RegisteredID(c.Must(&token.Register{Registrar: bank, Sequence: sequence(),
			Key: key, Tier: 2}).ID()))
	}
	left, rest := token.OutputID(issue.ID(), 0), 2*settlers*each
	for i, wallet := range wallets {
		rest -= 2 * each
		outputs := []token.Output{{Party: 1, Amount: each}}
		for range settleEach {
			outputs = append(outputs, token.Output{Party: 1, Amount: money.Tenge})
		}
		if rest > 0 {
			outputs = append(outputs, token.Output{Party: 0, Amount: rest})
		}
		paid := c.Must(&token.Transfer{Parties: []token.WalletID{bank, wallet}, Payers: 1, Inputs: []token.ID{left},
			Outputs: outputs})
		left = token.OutputID(paid.ID(), settleEach+1)
		opened := c.Must(&token.OpenPurse{Intermediary: bank, Sequence: sequence(), Owner: wallet,
			Key: w.Key(fmt.Sprint("phone ", i)).Public(), Class: 1, ExpiryMillis: c.Now + 86_400_000,
			Inputs: []token.ID{token.OutputID(paid.ID(), 0)}, Deposit: each,
			Limits: token.PurseLimits{Payment: 2_000_000, Offline: 10_000_000, Hops: 5, AgeHours: 168}})
		purses = append(purses, token.RegisteredID(opened.ID()))
		for j := range settleEach {
			t.transfers = append(t.transfers, c.Make(&token.Transfer{
				Parties: []token.WalletID{wallet, wallets[(i+1+j)%settlers]}, Payers: 1,
				Inputs:  []token.ID{token.OutputID(paid.ID(), 1+j)},
				Outputs: []token.Output{{Party: 1, Amount: money.Tenge}}}))
		}
	}
	return t, t.settle(w, wallets, purses)
}

// settle makes the payments of purses, each alone in a transaction.
func (t *settlingTown) settle(w *sim.World, wallets, purses []token.WalletID) error {
	for i, id := range purses {
		last := purse.Link{}
		for j := range settleEach {
			l := purse.Link{Purse: id, Number: uint32(j + 1), PaidBefore: last.PaidBefore + last.Amount,
				Amount: money.Tenge, Payee: purses[(i+1+j)%settlers], TimeMillis: t.chain.Now}
			if l.Payee == id || j%2 == 1 {
				l.Payee = wallets[(i+1+j)%settlers]
			}
			if j > 0 {
				l.Previous = last.ID(w.Network)
			}
			signature, err := w.Key(fmt.Sprint("phone ", i)).Sign(l.ID(w.Network))
			if err != nil {
				return err
			}
			l.Signature = signature
			t.settlements = append(t.settlements,
				t.chain.Make(&token.SettlePurses{Links: []token.Octets{l.Append(nil)}}))
			last = l
		}
	}
	return nil
}

const revoked, asked = 4_000, 50_000

func benchFilter(result *purseBench) {
	id := func(n uint64) (id token.WalletID) { binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15); return id }
	list := purse.List{Sequence: 1, TimeMillis: benchMillis}
	for n := range uint64(revoked) {
		list.Purses = append(list.Purses, id(n))
	}
	slices.SortFunc(list.Purses, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	filter := purse.NewFilter(&list)
	alarms := 0
	for n := range uint64(asked) {
		if filter.Has(id(revoked + n)) {
			alarms++
		}
	}
	result.ListBytes = float64(len(list.Append(nil))) / revoked
	result.FilterBytes = float64(len(filter.Append(nil))) / revoked
	result.FalseAlarms = 1000 * float64(alarms) / asked
}
