package walletcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

func newTxSignCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "sign DRAFT", Short: "Add the signatures that a key may give, after showing what is signed; works offline",
		Long: `Show in words what a draft does (its network, who pays whom how much, until when it is valid), ask, and sign.
Names are those of the data directory alone, whatever the draft says; every wallet is shown with its id. A
draft of another network than the directory's, or than --network, is refused. Where nobody can be asked,
--yes ID says which transaction is to be signed: the id that "aqsha tx show DRAFT" prints.`,
		Example: `  aqsha tx sign draft.json --key issue-2
  aqsha tx sign draft.json --key issue-2 --yes 91ab…`, Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error { return signDraft(command, args[0]) },
	}
	command.Flags().String("key", "", "name of the key")
	command.Flags().String("yes", "", "sign the transaction with this id without asking")
	command.Flags().String("network", "",
		"id of the network that the draft must be for (default: the data directory's, if it has one)")
	_ = command.MarkFlagRequired("key")
	cli.Changing(command)
	return command
}

// signDraft shows, asks, signs, and writes the draft. It is read twice: what was shown, and, under the file's lock,
// what is signed, which must be the same transaction of the same network. The key is asked for after the answer, so
// that who says no types no passphrase.
func signDraft(command *cobra.Command, path string) error {
	draft, err := wallet.ReadDraft(path)
	if err != nil {
		return cli.Usage(err)
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	public, err := keyring.PublicKey(cli.Flag(command, "key"))
	if err != nil {
		return cli.Usage(err)
	}
	lines, err := describeDraft(command, keyring, draft)
	if err != nil {
		return err
	}
	if _, err := heldAgainst(command, draft); err != nil {
		return err
	}
	roles := draft.Roles(public)
	if len(roles) == 0 {
		return nothingToSign(draft, public)
	}
	id := draft.Transaction.ID()
	if err := confirm(command, id,
		append(lines, wallet.Line{Label: cli.LanguageFor(command).Text("field.signs"),
			Value: joinRoles(cli.LanguageFor(command), roles)})); err != nil {
		return err
	}
	key, err := keyring.Key(cli.Flag(command, "key"))
	if err != nil {
		return err
	}
	given, missing := 0, map[string]int{}
	err = wallet.UpdateDraft(path, func(d *wallet.Draft) (err error) {
		if d.Transaction.ID() != id || d.Network != draft.Network { // while its holder read it
			return token.Errorf(wrongDraft, "draft", "%s holds another transaction by now than the one that was shown",
				path)
		}
		if given, err = d.Sign(key); err == nil && given == 0 {
			err = nothingToSign(d, public)
		}
		missing = d.Missing()
		return err
	})
	if err != nil {
		return err
	}
	return cli.Show(command, map[string]any{"id": id, "signed": given, "missing": missing, "says": lines},
		func(w io.Writer) {
			l := cli.LanguageFor(command)
			if len(missing) == 0 {
				fmt.Fprintln(w, l.Text("draft.complete", "file", path))
				return
			}
			var still []string
			for _, role := range slices.Sorted(maps.Keys(missing)) {
				still = append(still, l.Text("draft.missing-of", "count", missing[role], "role", roleText(l, role)))
			}
			fmt.Fprintln(w, l.Text("draft.missing", "missing", strings.Join(still, ", ")))
		})
}

// nothingToSign says why a key signs nothing in a draft.
func nothingToSign(draft *wallet.Draft, public token.PublicKey) error {
	for _, group := range draft.Signatories {
		if slices.Contains(group.Keys, public) {
			return cli.Usage(errors.New("--key: that key has signed the draft already"))
		}
	}
	return cli.Usage(errors.New("--key: that key is none of those that sign the draft"))
}

// wrongDraft is the code of a draft that is not the one that was looked at.
const wrongDraft token.Code = "wrong-draft"

// roleText is what a role of signatures, by its name in files, is called in a language.
func roleText(l words.Language, role string) string { return l.Phrase("role-name", role) }

func joinRoles(l words.Language, list []token.Role) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = roleText(l, one.String())
	}
	return strings.Join(texts, ", ")
}

// describeDraft says all that a draft does, and refuses one of another network. Names are the keyring's: what the
// draft says of itself could make somebody else's wallet look known.
func describeDraft(command *cobra.Command, keyring *wallet.Keyring, draft *wallet.Draft) ([]wallet.Line, error) {
	l, err := cli.LanguageOf(command)
	if err != nil {
		return nil, err
	}
	known, name := cli.Flag(command, "network"), ""
	if known == "" {
		known, name = networkOf(cli.Flag(command, "data"))
	}
	own := draft.Network.String()
	switch {
	case known != "" && known != own:
		return nil, token.Errorf(datadir.WrongNetwork, "network", "the draft is for network %s, not for %s", own, known)
	case known == "":
		name = l.Text("sign.foreign")
	}
	if name != "" {
		name = " (" + terminal.Plain(name) + ")"
	}
	lines := append([]wallet.Line{{Label: l.Text("field.network"), Value: own + name}},
		wallet.Describe(l, draft.Transaction, keyring.NameOf)...)
	if draft.Transaction.ValidUntil < wallet.SystemNow() {
		lines = append(lines, wallet.Line{Label: "!", Value: l.Text("sign.past")})
	}
	return lines, nil
}

// heldAgainst holds a draft's list of signatories against the ledger's, and says whether that could be done: at a node
// that is named, or in the directory's own ledger. A holder who signs offline has none. What the ledger refuses on
// other grounds, as a transaction that was executed, it refuses when it is submitted.
func heldAgainst(command *cobra.Command, draft *wallet.Draft) (held bool, err error) {
	node := cli.Flag(command, "node") != ""
	if known, _ := networkOf(cli.Flag(command, "data")); !node && known != draft.Network.String() {
		return false, nil
	}
	err = session.WithSession(command, true, func(ctx context.Context, s *session.Session) error {
		return s.Check(ctx, draft)
	})
	var refusal *token.Error
	altered := errors.As(err, &refusal) && refusal.Code == wallet.DraftAltered
	if altered || node && refusal == nil {
		return true, err
	}
	return err == nil, nil
}

// networkOf is the network of a data directory, and its name; empty for one that has none, such as a holder's.
func networkOf(dir string) (id, name string) {
	var c struct {
		Name    string `toml:"name"`
		Network string `toml:"network"`
	}
	if _, err := toml.DecodeFile(filepath.Join(dir, datadir.ConfigFile), &c); err != nil {
		return "", ""
	}
	return c.Network, c.Name
}

func printLines(w io.Writer, lines []wallet.Line) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(table, "%s\t%s\n", line.Label, line.Value)
	}
	table.Flush()
}

// confirm shows what is to be signed and asks; or believes --yes, if it names this very transaction. Where there is no
// terminal nothing is signed: a pipe's "yes" is nobody's word. The answer must be the whole word.
func confirm(command *cobra.Command, id token.TransactionID, lines []wallet.Line) error {
	w := command.ErrOrStderr()
	if said := command.Flags().Lookup("yes"); said.Changed {
		if said.Value.String() != id.String() {
			return cli.Usage(fmt.Errorf("--yes: the draft holds transaction %s, not %q", id, said.Value))
		}
		if !cli.WantsJSON(command) {
			printLines(w, lines)
		}
		return nil
	}
	if !cli.WantsJSON(command) {
		printLines(w, lines)
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return cli.Usage(fmt.Errorf("nobody can be asked here: sign it with --yes %s, if that is what is to be signed",
			id))
	}
	fmt.Fprintf(w, "%s: ", cli.LanguageFor(command).Text("sign.ask"))
	answer, err := bufio.NewReader(io.LimitReader(os.Stdin, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return token.Errorf(notSigned, "draft", "nothing was signed")
	}
	return nil
}

// notSigned is the code of a signature that its holder did not give when he was asked.
const notSigned token.Code = "not-signed"

// shownDraft is a draft as "tx show" prints it for programs: with what its own list of signers says is missing, and
// whether that list is the ledger's.
type shownDraft struct {
	*wallet.Draft
	Missing map[string]int `json:"missing"` // how many, by the set that signs
	Checked bool           `json:"checked"` // the list was held against the ledger's; else it is the draft's own word
}

// showDraft shows what a draft says, and which signatures it lacks. A list of signers that is not the ledger's is
// refused, whoever reads: a program would hand the draft to the wrong people, or believe it complete.
func showDraft(command *cobra.Command, draft *wallet.Draft) error {
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	lines, err := describeDraft(command, keyring, draft)
	if err != nil {
		return err
	}
	l := cli.LanguageFor(command)
	held, err := heldAgainst(command, draft)
	if err != nil {
		return err
	}
	missing := draft.Missing()
	return cli.Show(command, shownDraft{draft, missing, held}, func(w io.Writer) {
		var still []string
		for _, role := range slices.Sorted(maps.Keys(missing)) {
			still = append(still, fmt.Sprintf("%d × %s", missing[role], roleText(l, role)))
		}
		if still == nil {
			still = []string{"0"}
		}
		if !held {
			still = append(still, l.Text("sign.by-draft"))
		}
		printLines(w, append(lines, wallet.Line{Label: l.Text("field.missing"), Value: strings.Join(still, ", ")}))
	})
}
