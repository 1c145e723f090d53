package chaincmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/words"
)

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }

// A key is made for networks without value alone, into a new file that only its owner reads, in the form that wallets import.
func TestAKeyForATestNetwork(t *testing.T) {
	for name, prefix := range map[string]string{"regtest": "bcrt1q", "signet": "tb1q", "testnet4": "tb1q", "simnet": "sb1q"} {
		path := filepath.Join(t.TempDir(), "address.key")
		made, err := makeAddress(name, path)
		if err != nil || !strings.HasPrefix(made, prefix) {
			t.Errorf("%s: %s, %v", name, made, err)
			continue
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		network, err := bitcoin.FindNetwork(name)
		if err != nil {
			t.Fatal(err)
		}
		key, version, err := base58.CheckDecode(strings.TrimSpace(string(text)))
		if err != nil || version != network.Params.PrivateKeyID || len(key) != 33 || key[32] != 1 {
			t.Errorf("%s: the key's file is no WIF: version %d, %d bytes, %v", name, version, len(key), err)
		}
		if _, err := makeAddress(name, path); !isUsage(err) || !strings.Contains(err.Error(), "never overwritten") {
			t.Errorf("%s again: %v", name, err)
		}
		if again, _ := os.ReadFile(path); !bytes.Equal(again, text) {
			t.Errorf("%s: the key was overwritten", name)
		}
	}
	for _, name := range []string{"mainnet", "bitcoin", ""} {
		path := filepath.Join(t.TempDir(), "address.key")
		if _, err := makeAddress(name, path); !isUsage(err) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%q left a key", name)
		}
	}
}

// A node is named by a URL, by a file that holds one, or by the environment, in this order; a password in it is shown by no help.
func TestWhichNode(t *testing.T) {
	t.Setenv("AQSHA_BITCOIN", "http://user:secret@127.0.0.1:18443")
	flags := func(given ...string) *NodeFlags {
		command := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }}
		f := &NodeFlags{}
		f.Register(command)
		if err := command.ParseFlags(given); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(command.UsageString(), "secret") {
			t.Error("help shows the environment's password")
		}
		return f
	}
	if f := flags(); f.URL != "http://user:secret@127.0.0.1:18443" {
		t.Error(f.URL)
	}
	file := filepath.Join(t.TempDir(), "node.url")
	if err := os.WriteFile(file, []byte("http://a:b@127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := flags("--bitcoin", "@"+file).Client()
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	t.Setenv("AQSHA_BITCOIN", "")
	for says, given := range map[string][]string{"no node: give --bitcoin": nil, "no such file": {"--bitcoin", "@" + file + "2"}, "": {"--bitcoin", "::"}} {
		if _, err := flags(given...).Client(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", given, err, says)
		}
	}
}

// A transaction is shown as its chain has it: who is not known is said to be so.
func TestATransactionIsShown(t *testing.T) {
	text := func(tx bitcoin.TransactionView) string {
		var out bytes.Buffer
		printTransaction(&out, words.English, &tx, nil)
		return out.String()
	}
	if got := text(bitcoin.TransactionView{Coinbase: true}); !strings.Contains(got, "(new coins)") {
		t.Error(got)
	}
	if got := text(bitcoin.TransactionView{}); !strings.Contains(got, "not told by the inputs") {
		t.Error(got)
	}
	got := text(bitcoin.TransactionView{Senders: []string{"bc1qalice"}, Payments: []bitcoin.PaymentView{{Recipient: "bc1qbob", Amount: 5}, {Recipient: "bc1qalice", Change: true}}})
	if !strings.Contains(got, "sender     bc1qalice") || !strings.Contains(got, "bc1qbob  0.00000005") || strings.Count(got, "(change)") != 1 {
		t.Error(got)
	}
}

// A transaction is shown whole in each language.
func TestATransactionIsShownInEveryLanguage(t *testing.T) {
	fee := money.Satoshi(200)
	tx := bitcoin.TransactionView{Fee: &fee, VirtualBytes: 100, Payments: []bitcoin.PaymentView{{Recipient: "1x", Amount: 5, Change: true}}, Remarks: []string{"7"}}
	for _, l := range words.Languages {
		var out bytes.Buffer
		printTransaction(&out, l, &tx, func(tab io.Writer) { row(tab, l.Text("chain.confirmations"), 6) })
		text := strings.ReplaceAll(out.String(), "BTC", "")
		if english := regexp.MustCompile(`[A-Za-z]{3,}`).FindString(text); (english != "") != (l == words.English) {
			t.Errorf("%s: %q in %s", l, english, text)
		}
	}
}
