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

// testdata/seal-3.json is what the program that spelled keys otherwise sealed of the same report.
func TestAReportSealedInTheThirdFormatVerifies(t *testing.T) {
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
	entry, err := os.ReadFile("testdata/seal-3.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, _, err := log.Append(dir, entry); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSeal(dir, 0, log)
	if err != nil || s.BenchHash == "" || s.Report == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := s.Rederive(context.Background(), open(t), nil); err != nil {
		t.Fatal(err)
	}
	s.Format = SealFormat // today's keys have another hash
	if err := s.Rederive(context.Background(), open(t), nil); err == nil {
		t.Error("a hash over the keys of then passes for one over today's")
	}
}
