package channelcmd

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet/channels"
)

// brokenSigner is a key that does not sign, such as one of a program that has ended.
type brokenSigner struct{ token.Signer }

func (brokenSigner) Sign([32]byte) (token.Signature, error) {
	return token.Signature{1}, errors.New("the key does not sign")
}

// A consent that could not be signed closes nothing: the book takes vouchers as before. One that was signed closes it,
// at what it holds then, and is the same when it is asked for again.
func TestAConsentThatIsNotSignedClosesNothing(t *testing.T) {
	path, id := filepath.Join(t.TempDir(), "c.receiver.json"), channel.ID{Network: token.NetworkID{1}, Contract: token.WalletID{2}}
	if err := channels.Update(path, func(f *channels.File) error {
		*f = channels.File{Channel: id, Total: 700}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	key := token.NewPrivateKey([32]byte{3})
	if out, err := agree(path, id, brokenSigner{key}); err == nil || out != (final{}) {
		t.Errorf("%+v, %v", out, err)
	}
	if f, err := channels.Read(path); err != nil || f.Closing {
		t.Fatalf("closes without a consent: %+v, %v", f, err)
	}
	for range 2 {
		out, err := agree(path, id, key)
		if err != nil || out.Amount != 700 || !token.Verify(key.Public(), id.FinalDigest(700), &out.Signature) {
			t.Errorf("%+v, %v", out, err)
		}
		if f, err := channels.Read(path); err != nil || !f.Closing || f.Total != 700 {
			t.Errorf("%+v, %v", f, err)
		}
	}
}
