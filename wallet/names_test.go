package wallet_test

import (
	"errors"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// A local name that could be taken for another is refused wherever one is given; names in plain Latin letters are numbered
// and spelled as people like.
func TestLocalNamesThatLookLikeOthersAreRefused(t *testing.T) {
	keyring, err := wallet.OpenKeyringOn(disk.New(3).FS(), "names", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"asem", "shop1", "Нұр", "mill"} {
		if err := keyring.Put(wallet.Name{Name: name, ID: token.WalletID{byte(i + 1)}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]token.Code{
		"asem":  wallet.NameTaken,
		"аsem":  "bad-name",       // the first letter is Cyrillic, the others are not
		"аѕем":  wallet.NameTaken, // all are Cyrillic
		"Hұp":   "bad-name",
		"shopl": "", "shop-1": "", "shop2": "", "Asem": "", "Айгерім": "",
		"Hyp":  wallet.NameTaken, // Latin, of Нұр
		"مill": "bad-name",
		"ｍill": "bad-name",
	} {
		err := keyring.Fresh(name)
		var refusal *token.Error
		if errors.As(err, &refusal); (refusal == nil) != (want == "") || refusal != nil && refusal.Code != want {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
