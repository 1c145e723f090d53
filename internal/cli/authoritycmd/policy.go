package authoritycmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/cli/standing"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// NewPolicyCommand makes the command "policy".
func NewPolicyCommand() *cobra.Command {
	command := &cobra.Command{Use: "policy", Short: "Limits, caps and keys: show, set, propose, veto"}
	datadir.AddLedgerFlags(command)
	set := policySet()
	session.AddDraftFlag(set)
	command.AddCommand(policyShow(), set)
	for _, c := range []*cobra.Command{policyProposeKeys(), policyProposeCap(), policyProposeDelay(),
		policyProposePolicy(), policyProposeRules(), policyVeto()} {
		session.AddDraftFlag(c)
		command.AddCommand(c)
	}
	return command
}

func policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show tiers, caps, key sets and waiting proposals",
		Example: "  aqsha policy show\n  aqsha policy show --json | jq .policy > policy.json", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			a, err := s.API.Authority(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, a, func(w io.Writer) {
				describeAuthority(w, cli.LanguageFor(command), s, a)
			})
		}),
	}
}

// cashRules is the version of the rules from which on there are banknotes.
const cashRules = 5

// describeAuthority shows the tiers, the policy, who signs, and what waits.
func describeAuthority(w io.Writer, l words.Language, s *session.Session, a api.AuthorityView) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("policy.columns"))
	for i, t := range a.Policy.Tiers {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", i, t.Name, limitText(t.MaxPayment),
			limitText(t.MaxDay), limitText(t.MaxBalance), countText(t.PaymentsPerDay))
	}
	table.Flush()
	p := &a.Policy
	fmt.Fprintf(w, "\n%s\n", l.Text("policy.transactions", "least", p.LeastToken.Format(), "inputs", p.MaxInputs,
		"outputs", p.MaxOutputs, "ahead", millis(p.ValidAheadMillis)))
	fmt.Fprintln(w, l.Text("policy.delays", "rekey", millis(p.RekeyDelayMillis), "delay", millis(a.DelayMillis)))
	fmt.Fprintln(w, l.Text("policy.cap", "amount", a.DailyCap.Format()))
	// Only what the rules in force know: of an older network, limits that came later would read as if they held.
	describePolicy(w, l, p, a.Rules)
	describeReserves(w, l, s, &a.Authority)
	for i, set := range a.Sets {
		fmt.Fprintln(w, l.Text("policy.set", "set", setText(l, token.RoleRoot+token.Role(i)), "needed",
			set.Threshold, "all", len(set.Keys), "since", standing.SinceText(set.SinceMillis)))
	}
	fmt.Fprintln(w, l.Text("policy.rules", "version", a.Rules))
	if u := a.Upgrade; u.Rules != 0 {
		fmt.Fprintln(w, l.Text("policy.rules-from", "version", u.Rules, "block", u.Height))
	}
	for _, p := range a.Proposals {
		fmt.Fprintln(w, l.Text("policy.waiting", "id", p.ID, "change", changeText(l, p.Change), "at",
			terminal.Moment(p.DueMillis)))
	}
}

// setText names one of the authority's sets of keys.
func setText(l words.Language, role token.Role) string { return l.Text("role-name." + role.String()) }

// describePolicy shows what of a policy is about neither tiers nor delays.
func describePolicy(w io.Writer, l words.Language, p *token.Policy, rules uint32) {
	fmt.Fprintln(w, l.Text("policy.day", "offset", millis(p.DayOffsetMillis), "blocks", p.SnapshotEvery))
	fmt.Fprintln(w, l.Text("policy.allowed", "definitions", p.Definitions(), "purposes", p.Purposes()))
	if rules < cashRules {
		return
	}
	circulates, expired := l.Text("policy.cash-no-cap"), l.Text("policy.cash-stays")
	if p.MaxReserve != 0 {
		circulates = l.Text("policy.cash-cap", "amount", p.MaxReserve.Format())
	}
	if p.ExpiredCash != (token.WalletID{}) {
		expired = l.Text("policy.cash-goes", "wallet", p.ExpiredCash)
	}
	fmt.Fprintln(w, l.Text("policy.cash", "circulates", circulates, "amount", p.ReserveDay().Format(), "expired",
		expired))
}

// describeReserves shows which wallets back banknotes.
func describeReserves(w io.Writer, l words.Language, s *session.Session, a *ledger.Authority) {
	for i := range a.Reserves {
		r := &a.Reserves[i]
		backs := l.Text("policy.backs", "wallet", s.Keyring.NameOf(r.Wallet), "count", len(r.Keysets), "origin",
			terminal.Plain(r.Origin))
		if r.Stamp.Size > 0 {
			backs = l.Text("policy.backs-entered", "backs", backs, "size", r.Stamp.Size, "at",
				terminal.Moment(r.Stamp.Millis))
		}
		fmt.Fprintln(w, backs)
	}
}

// changeText says in a few words what a proposal changes.
func changeText(l words.Language, c token.Change) string {
	switch {
	case c.Keys != nil:
		return l.Text("policy.change-keys", "needed", c.Keys.Threshold, "all", len(c.Keys.Keys), "set",
			setText(l, c.Set))
	case c.DailyCap != 0:
		return l.Text("policy.change-cap", "amount", c.DailyCap.Format())
	case c.Policy != nil:
		return l.Text("policy.change-policy", "delay", millis(c.Policy.RekeyDelayMillis), "offset",
			millis(c.Policy.DayOffsetMillis))
	case c.Rules != 0:
		return l.Text("policy.change-rules", "version", c.Rules, "block", c.Height)
	}
	return l.Text("policy.change-delay", "delay", millis(c.DelayMillis))
}

func limitText(most money.Tiyn) string {
	if most == 0 {
		return "—"
	}
	return most.Format()
}

func countText(most uint32) string {
	if most == 0 {
		return "—"
	}
	return fmt.Sprint(most)
}

func millis(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }

// maxPolicyFile bounds a policy file in bytes.
const maxPolicyFile = 1 << 20

func policySet() *cobra.Command {
	return &cobra.Command{
		Use: "set FILE.json", Short: "Replace the policy; the policy set signs",
		Long: `Replace the policy at once. What takes away others' time to stop something is refused: a shorter delay
of re-keys and closings, and another day's offset. Propose such a policy instead: aqsha policy propose FILE.json.`,
		Example: "  aqsha policy show --json | jq .policy > policy.json\n  aqsha policy set policy.json",
		Args:    cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			policy, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			receipt, err := s.SetPolicy(ctx, policy)
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.policy-replaced"))
		}),
	}
}

// readPolicy reads a policy's file, as "aqsha policy show --json | jq .policy" writes it.
func readPolicy(path string) (policy token.Policy, err error) {
	content, err := cli.ReadLimited(path, maxPolicyFile)
	if err != nil {
		return policy, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		return policy, cli.Usage(fmt.Errorf("%s: %w", path, err))
	}
	return policy, nil
}

func policyProposePolicy() *cobra.Command {
	return &cobra.Command{
		Use: "propose FILE.json", Short: "Propose a policy that takes effect after the delay, unless root vetoes it",
		Example: "  aqsha policy show --json | jq .policy > policy.json\n  aqsha policy propose policy.json",
		Args:    cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			policy, err := readPolicy(args[0])
			if err != nil {
				return err
			}
			receipt, err := s.Propose(ctx, token.RolePolicy, token.Change{Policy: &policy})
			return proposed(command, receipt, err)
		}),
	}
}

// proposed prints a proposal that waits.
func proposed(command *cobra.Command, receipt node.Receipt, err error) error {
	return session.ShowDone(command, receipt, err, fmt.Sprintf("%s\n  aqsha policy veto %s",
		cli.LanguageFor(command).Text("result.policy-proposed"), receipt.ID))
}

func policyProposeKeys() *cobra.Command {
	command := &cobra.Command{
		Use: "propose-keys SET KEYNAME…", Short: "Propose new keys for root, issue, policy or enforcement",
		Example: "  aqsha policy propose-keys issue issue-4 issue-5 issue-6 --threshold 2 --out draft.json",
		Args:    cobra.MinimumNArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			var set, by token.Role
			if err := set.UnmarshalText([]byte(args[0])); err != nil {
				return cli.Usage(err)
			}
			by = set
			if root, _ := command.Flags().GetBool("by-root"); root {
				by = token.RoleRoot
			}
			keys, err := standing.KeySet(s, command, args[1:])
			if err != nil {
				return err
			}
			receipt, err := s.Propose(ctx, by, token.Change{Set: set, Keys: &keys})
			return proposed(command, receipt, err)
		}),
	}
	command.Flags().Uint8("threshold", 2, "how many must sign")
	command.Flags().Bool("by-root", false, "root proposes, not the set itself")
	return command
}

func policyProposeCap() *cobra.Command {
	return &cobra.Command{
		Use: "propose-cap AMOUNT", Short: "Propose another daily issuing cap",
		Example: "  aqsha policy propose-cap 5000000000", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			amount, err := money.ParseTenge(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			if amount <= 0 {
				return cli.Usage(fmt.Errorf("%s: a cap is above zero", args[0]))
			}
			receipt, err := s.Propose(ctx, token.RolePolicy, token.Change{DailyCap: amount})
			return proposed(command, receipt, err)
		}),
	}
}

func policyProposeDelay() *cobra.Command {
	return &cobra.Command{
		Use: "propose-delay DURATION", Short: "Propose another delay of changes",
		Example: "  aqsha policy propose-delay 48h", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			delay, err := cli.Duration(args[0])
			if err != nil || delay < time.Millisecond {
				return cli.Usage(fmt.Errorf("%q: want a delay above zero, such as 48h or 7d", args[0]))
			}
			receipt, err := s.Propose(ctx, token.RolePolicy, token.Change{DelayMillis: uint64(delay.Milliseconds())})
			return proposed(command, receipt, err)
		}),
	}
}

// policyProposeRules makes "policy propose-rules". A version that this program does not know is refused here, though
// the ledger would take it: the node would stop at the block from which it holds.
func policyProposeRules() *cobra.Command {
	command := &cobra.Command{
		Use: "propose-rules VERSION", Short: "Propose another version of the ledger's rules; root signs",
		Long: `Propose another version of the ledger's rules. Like new keys it takes effect after the delay, unless
root vetoes it, and then from the block of --height on, or from the next one. Whoever runs a program that does not
know the version must install one that does before that block: it stops there. What is in the log stays as it was.`,
		Example: "  aqsha policy propose-rules 2\n  aqsha policy propose-rules 2 --height 250000 --out draft.json",
		Args:    cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			rules, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return cli.Usage(fmt.Errorf("VERSION: %w", err))
			}
			height, _ := command.Flags().GetUint64("height")
			if height == 0 {
				network, err := s.API.Network(ctx)
				if err != nil {
					return err
				}
				height = network.Head.Height + 1
			}
			// The ledger takes any higher number; this program would then stop before the block from which it holds.
			if rules < ledger.FirstRules || rules > ledger.LatestRules {
				return token.Errorf(ledger.UnknownRules, "VERSION",
					"this program knows rules versions %d to %d: to propose version %d, install a newer aqsha",
					ledger.FirstRules, ledger.LatestRules, rules)
			}
			receipt, err := s.Propose(ctx, token.RoleRoot, token.Change{Rules: uint32(rules), Height: height})
			return proposed(command, receipt, err)
		}),
	}
	command.Flags().Uint64("height", 0,
		"block from which on they are followed (default: the first one after the delay)")
	return command
}

func policyVeto() *cobra.Command {
	return &cobra.Command{
		Use: "veto PROPOSAL", Short: "Stop a proposal that waits; root signs", Example: "  aqsha policy veto 91ab…",
		Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			var id token.TransactionID
			if err := id.UnmarshalText([]byte(args[0])); err != nil {
				return cli.Usage(err)
			}
			receipt, err := s.Veto(ctx, id)
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Text("result.vetoed"))
		}),
	}
}
