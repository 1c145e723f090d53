package report

import (
	"context"
	"crypto/rand"
	"os"
	"runtime"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog/seal"
)

// testdata/seal-3.json is what the program that spelled keys otherwise sealed of the same report, seal-4.json what
// the one did whose back-test had six methods and whose fits climbed from every start, seal-6.json what the one did
// whose fits at a bound had a gradient of 0.
func TestAReportSealedInAnEarlierFormatVerifies(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture rounds otherwise than the one that sealed")
	}
	secret, public, err := note.GenerateKey(rand.Reader, "test/reports")
	if err != nil {
		t.Fatal(err)
	}
	log := seal.Log{Origin: "test/reports"}
	log.Signer, _ = note.NewSigner(secret)
	log.Verifier, _ = note.NewVerifier(public)
	dir := t.TempDir()
	for index, name := range []string{"seal-3.json", "seal-4.json", "seal-6.json"} {
		entry, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := log.Append(dir, entry); err != nil {
			t.Fatal(err)
		}
		s, err := ReadSeal(dir, uint64(index), log)
		if err != nil || s.BenchHash == "" || s.Report == "" {
			t.Fatalf("%s: %+v, %v", name, s, err)
		}
		if err := s.Rederive(context.Background(), open(t), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.Format = SealFormat // today's keys and figures have another hash
		if err := s.Rederive(context.Background(), open(t), nil); err == nil {
			t.Errorf("%s: a hash over what was written then passes for one over today's", name)
		}
	}
}
