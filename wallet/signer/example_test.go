package signer_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// A key is kept in a file, here of a development network without a passphrase, and signs again.
func Example() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "alice.key")
	made := token.NewPrivateKey([32]byte{1})
	if err := signer.Save(vfs.OS, path, made, ""); err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := signer.Load(vfs.OS, path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	signature, err := loaded.Sign([32]byte{2})
	fmt.Println(err, token.Verify(made.Public(), [32]byte{2}, &signature))
	// Output: <nil> true
}
