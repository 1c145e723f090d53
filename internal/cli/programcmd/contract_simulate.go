package programcmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/play"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/words"
)

// newContractSimulate makes "contract simulate". Nothing of it leaves this process. It fails when a step went
// otherwise than the play says, so that a play is a test.
func newContractSimulate() *cobra.Command {
	return &cobra.Command{
		Use:   "simulate PLAY.yaml [DEFINITION]",
		Short: "Play actions against a definition on a dry ledger, and print state and money after each",
		Long: `A play names people with money, how the contract is created, and steps: who acts, with what,
and how much time passes. The ledger is a real one, in memory: the same rules decide, of the newest version, tokens are
chosen as every wallet chooses them, and what falls due while time passes does so at its moment. Purposes are
registered as they stand in their files and must admit the definition under contracts. "now: 2026-09-01" begins at a
day, or else it is today; people may be of a tier (limited, normal, unlimited). Besides acts, a step may be a payment,
{by: anna, send: "500", to: cafe}, with "of: PURPOSE" of marked money or "mark: PURPOSE" to mark it; or {register:
FILE}, which registers a purpose or an amendment of one (amends:). A step with expect: CODE must be refused by that
code. "wait" before a step is a span, a date, or until the next day of the calendar ("each 1st"). Terms and arguments
are written as for "contract create"; of a register of members (see "contract members") "root of FILE" and "proof of
NAME in FILE" are written so, where "without A, B" after it names members that have claimed.`,
		Example: "  aqsha contract simulate play.yaml escrow\n  aqsha contract simulate play.yaml --json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, args []string) error {
			p, err := play.Read(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				p.Definition = args[1]
			}
			stage, err := p.Stage()
			if err != nil {
				return err
			}
			// What was played up to the step that failed is shown before it is said: it is where one looks for why.
			scenes, played := stage.Perform()
			shown := cli.Show(command, scenes, func(w io.Writer) {
				shown := uint64(0)
				for i := range scenes {
					describe(w, cli.LanguageFor(command), stage, &scenes[i], shown)
					shown = scenes[i].Until
				}
			})
			if played != nil {
				return played
			}
			return shown
		},
	}
}

// describe prints a moment of a play; until is the end that was shown last.
func describe(w io.Writer, l words.Language, s *play.Stage, sc *play.Scene, until uint64) {
	d := s.Definition()
	fmt.Fprintf(w, "%d  %s\n", sc.Step, terminal.Plain(sc.What))
	if sc.Refused != nil {
		fmt.Fprintln(w, "  ", l.Text("program.refused", "why", terminal.Plain(sc.Refused.Error())))
	}
	var parts []string
	// Said when it changes, as a renewal does; at each step it would drown what the step did.
	if sc.Until != until && until != 0 && sc.Until != 0 {
		parts = append(parts, l.Text("program.goes-on", "at", terminal.Moment(sc.Until)))
	}
	for _, v := range d.State {
		if n, ok := sc.State[v.Name]; ok {
			parts = append(parts, fmt.Sprintf("%s = %d", v.Name, n))
		} else if register, ok := sc.Words[v.Name]; ok {
			parts = append(parts, fmt.Sprintf("%s = %s…", v.Name, register.String()[:8]))
		}
	}
	if sc.Ended {
		parts = append(parts, l.Text("program.ended"))
	}
	for _, asset := range d.Assets {
		if held, ok := sc.Held[asset]; ok {
			parts = append(parts, l.Text("program.holds", "amount", held, "asset", asset))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "   %s\n", strings.Join(parts, ", "))
	}
	parts = parts[:0]
	for _, name := range s.Names() {
		text := l.Text("program.has", "name", name, "plain", sc.Balances[name][play.PlainMoney])
		for _, word := range s.Words() {
			switch amount := sc.Balances[name][word]; {
			case amount == 0:
			case len(s.Words()) > 1:
				text = l.Text("program.has-marked-by", "has", text, "amount", amount, "purpose", word)
			default:
				text = l.Text("program.has-marked", "has", text, "amount", amount)
			}
		}
		parts = append(parts, text)
	}
	fmt.Fprintf(w, "   %s\n", terminal.Plain(strings.Join(parts, ", ")))
}
