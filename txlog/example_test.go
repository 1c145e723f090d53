package txlog_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog"
)

// A log takes two entries, signs for them, and a stranger who has only the log's
// public key checks that the second is in it.
func Example() {
	dir, err := os.MkdirTemp("", "txlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	secret, public, _ := note.GenerateKey(rand.Reader, "log.example/payments")
	signer, _ := note.NewSigner(secret)
	l, err := txlog.Open(dir, txlog.Options{Origin: "log.example/payments", Signers: []note.Signer{signer}})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	batch, err := l.Stage([][]byte{[]byte("issue 1,000"), []byte("pay 250")})
	if err != nil {
		log.Fatal(err)
	}
	if err := l.Commit(batch); err != nil {
		log.Fatal(err)
	}
	signed, err := l.Publish()
	if err != nil {
		log.Fatal(err)
	}
	proof, err := l.InclusionProof(1, 2)
	if err != nil {
		log.Fatal(err)
	}

	verifier, _ := note.NewVerifier(public)
	checkpoint, _, err := txlog.OpenCheckpoint(signed, "log.example/payments", note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	err = txlog.VerifyInclusion(txlog.LeafHash([]byte("pay 250")), 1, checkpoint.Size, proof, checkpoint.Root)
	fmt.Println("entries:", checkpoint.Size, "included:", err == nil)
	err = txlog.VerifyInclusion(txlog.LeafHash([]byte("pay 999")), 1, checkpoint.Size, proof, checkpoint.Root)
	fmt.Println("forgery:", err == nil)
	// Output:
	// entries: 2 included: true
	// forgery: false
}
