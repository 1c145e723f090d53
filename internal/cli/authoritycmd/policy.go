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

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/cli/standing"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
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
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "TIER\tNAME\tAT ONCE\tA DAY\tHELD\tPAYMENTS A DAY")
				for i, t := range a.Policy.Tiers {
					fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", i, t.Name, limitText(t.MaxPayment),
						limitText(t.MaxDay), limitText(t.MaxBalance), countText(t.PaymentsPerDay))
				}
				table.Flush()
				p := a.Policy
				fmt.Fprintf(w, "\nleast token %s, at most %d inputs and %d outputs, payments valid at most %s ahead\n"+
					"a new key that a bank asks for waits %s; changes of keys and caps wait %s\nissuing cap %s a day\n",
					p.LeastToken.Format(), p.MaxInputs, p.MaxOutputs, millis(p.ValidAheadMillis),
					millis(p.RekeyDelayMillis), millis(a.DelayMillis), a.DailyCap.Format())
				// Only what the rules in force know: of an older network, limits that came later would read as if they
				// held.
				describePolicy(w, &a.Policy, a.Rules)
				describeReserves(w, s, &a.Authority)
				for i, set := range a.Sets {
					fmt.Fprintf(w, "%s: %s keys, since %s\n", token.RoleRoot+token.Role(i),
						standing.KeysText(set.KeySet), standing.SinceText(set.SinceMillis))
				}
				fmt.Fprintf(w, "rules: version %d\n", a.Rules)
				if u := a.Upgrade; u.Rules != 0 {
					fmt.Fprintf(w, "rules: version %d from block %d on\n", u.Rules, u.Height)
				}
				for _, p := range a.Proposals {
					fmt.Fprintf(w, "waiting: %s, %s, takes effect %s unless vetoed\n", p.ID, changeText(p.Change),
						time.UnixMilli(int64(p.DueMillis)).Format(time.DateTime))
				}
			})
		}),
	}
}

// cashRules is the version of the rules from which on there are banknotes.
const cashRules = 5

// describePolicy shows what of a policy is about neither tiers nor delays.
func describePolicy(w io.Writer, p *token.Policy, rules uint32) {
	fmt.Fprintf(w, "the day begins %s before midnight UTC; a snapshot each %d blocks\n", millis(p.DayOffsetMillis),
		p.SnapshotEvery)
	fmt.Fprintf(w, "a bank may have %d definitions of programs, an agency %d purposes\n", p.Definitions(), p.Purposes())
	if rules < cashRules {
		return
	}
	circulates, expired := "no cap on what circulates", "stays in the reserve"
	if p.MaxReserve != 0 {
		circulates = "at most " + p.MaxReserve.Format() + " in circulation"
	}
	if p.ExpiredCash != (token.WalletID{}) {
		expired = "goes to wallet " + p.ExpiredCash.String()
	}
	fmt.Fprintf(w, "banknotes: %s; a cash office's key pays at most %s a day; what is left of an expired keyset %s\n",
		circulates, p.ReserveDay().Format(), expired)
}

// describeReserves shows which wallets back banknotes.
func describeReserves(w io.Writer, s *session.Session, a *ledger.Authority) {
	for i := range a.Reserves {
		r := &a.Reserves[i]
		fmt.Fprintf(w, "banknotes: wallet %s backs %d keysets of the cash log %s", s.Keyring.NameOf(r.Wallet),
			len(r.Keysets), terminal.Plain(r.Origin))
		if r.Stamp.Size > 0 {
			fmt.Fprintf(w, ", whose state of %d entries was entered %s", r.Stamp.Size,
				time.UnixMilli(int64(r.Stamp.Millis)).Format(time.DateTime))
		}
		fmt.Fprintln(w)
	}
}

// changeText says in a few words what a proposal changes.
func changeText(c token.Change) string {
	switch {
	case c.Keys != nil:
		return fmt.Sprintf("%s keys %s", standing.KeysText(*c.Keys), c.Set)
	case c.DailyCap != 0:
		return fmt.Sprintf("issuing cap %s a day", c.DailyCap.Format())
	case c.Policy != nil:
		return fmt.Sprintf("a policy (a bank's new keys wait %s, the day begins %s before midnight UTC)",
			millis(c.Policy.RekeyDelayMillis), millis(c.Policy.DayOffsetMillis))
	case c.Rules != 0:
		return fmt.Sprintf("rules version %d from block %d on", c.Rules, c.Height)
	}
	return fmt.Sprintf("delay of changes %s", millis(c.DelayMillis))
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
			delay, err := time.ParseDuration(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			receipt, err := s.Propose(ctx, token.RolePolicy, token.Change{DelayMillis: uint64(delay.Milliseconds())})
			return proposed(command, receipt, err)
		}),
	}
}

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
