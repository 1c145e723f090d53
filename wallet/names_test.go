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
		"shopl": "", "shop-1": "", "shop2": "", "Айгерім": "",
		"Asem": wallet.NameTaken, "SHOP1": wallet.NameTaken, // on many disks the two are one file
		"1": "bad-name", "42": "bad-name", "any": "bad-name", "Me": "bad-name",
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

// What bears a name of before, a number or a word with a meaning of its own, keeps it; of two names that differ in case
// alone the second is not noted, and so is no key's.
func TestNamesOfBeforeStayUsable(t *testing.T) {
	keyring, err := wallet.OpenKeyringOn(disk.New(3).FS(), "names", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"1", "any", "Halyk"} {
		if err := keyring.Put(wallet.Name{Name: name, ID: token.WalletID{byte(i + 1)}}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if id, err := keyring.Resolve(name); err != nil || id[0] != byte(i+1) {
			t.Errorf("%q is %v, %v", name, id, err)
		}
	}
	var refusal *token.Error
	if err := keyring.Put(wallet.Name{Name: "halyk", ID: token.WalletID{9}}); !errors.As(err, &refusal) ||
		refusal.Code != wallet.NameTaken {
		t.Errorf("halyk beside Halyk: %v", err)
	}
	if err := keyring.Free("1"); !errors.As(err, &refusal) || refusal.Code != "bad-name" {
		t.Errorf("a contract called 1: %v", err)
	}
	if _, err := keyring.NewKey("issue-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.NewKey("Issue-1"); !errors.As(err, &refusal) || refusal.Code != wallet.NameTaken {
		t.Errorf("Issue-1 beside issue-1: %v", err)
	}
	var coded interface{ ErrorCode() string }
	if _, err := keyring.NewKey("a/b"); !errors.As(err, &coded) || coded.ErrorCode() != "bad-name" {
		t.Errorf("a/b: %v", err)
	}
}
