package pursecmd

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/purse"
)

// Who takes a payment by no revocation list, or by one of eight days ago, is told so beside the receipt; by one of
// today nothing is said.
func TestAStaleListIsSaid(t *testing.T) {
	dir, network, bank := t.TempDir(), token.NetworkID{5}, token.WalletID{1}
	log := token.NewPrivateKey(sha256.Sum256([]byte("log")))
	now := func() uint64 { return uint64(time.Now().UnixMilli()) }
	var phones []*purse.Phone
	for i, name := range []string{"payer", "payee"} {
		p := purse.Open(vfs.OS, filepath.Join(dir, name), now, rand.Reader)
		key, err := p.New(network)
		if err != nil {
			t.Fatal(err)
		}
		certificate := rules.Certificate{Purse: token.WalletID{9, byte(i)}, Key: key, Intermediary: bank, Serial: 1,
			Deposit: 100 * money.Tenge, Class: rules.Software, ExpiryMillis: now() + 86_400_000,
			Limits: rules.Limits{MaxPayment: 1000, MaxOffline: 9000, MaxHops: 5, AgeHours: 24}}
		if err := certificate.Sign(network, log); err != nil {
			t.Fatal(err)
		}
		if err := p.Learn(map[token.WalletID]token.PublicKey{bank: log.Public()}, log.Public()); err != nil {
			t.Fatal(err)
		}
		if err := p.Certify(certificate.Append(nil)); err != nil {
			t.Fatal(err)
		}
		phones = append(phones, p)
	}
	const day = 86_400_000
	for i, test := range []struct {
		made uint64 // the list, if there is one
		says string
	}{{0, "no revocation list"}, {now() - 8*day, "is stale"}, {now() - day, ""}} {
		if test.made > 0 {
			list := rules.List{Sequence: uint64(i), TimeMillis: test.made}
			if err := list.Sign(network, log); err != nil {
				t.Fatal(err)
			}
			if err := phones[1].Revoke(list.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		request, err := phones[1].Ask(100)
		if err != nil {
			t.Fatal(err)
		}
		payment, err := phones[0].Pay(request, 100)
		if err != nil {
			t.Fatal(err)
		}
		var out, said bytes.Buffer
		root := &cobra.Command{Use: "purse"}
		root.PersistentFlags().String("purse", filepath.Join(dir, "payee"), "")
		root.PersistentFlags().Bool("json", false, "")
		root.AddCommand(newReceiveCommand())
		root.SetArgs([]string{"receive", "--step", "payment"})
		root.SetIn(strings.NewReader(purse.Text(payment)))
		root.SetOut(&out)
		root.SetErr(&said)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := said.String(); test.says == "" && got != "" || !strings.Contains(got, test.says) {
			t.Errorf("list of %d: %q", test.made, got)
		}
		receipt, err := purse.FromText(out.String())
		if err == nil {
			err = phones[0].Finish(receipt)
		}
		if err != nil {
			t.Fatalf("the receipt is %q: %v", out.String(), err)
		}
	}
}
