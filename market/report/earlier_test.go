package report

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/txlog/seal"
	said "github.com/aqsha/aqsha/words"
)

// testdata/seal-3.json is what the program that spelled keys otherwise sealed of the same report, seal-4.json what
// the one did whose back-test had six methods and whose fits climbed from every start, seal-6.json what the one did
// whose fits at a bound had a gradient of 0, seal-7.json what the one did whose EGARCH stayed on folds.
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
	for index, name := range []string{"seal-3.json", "seal-4.json", "seal-6.json", "seal-7.json"} {
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
		if name == "seal-7.json" {
			continue // its EGARCH has a top that both searches find: TestFoldsOfFormatSeven has what differs
		}
		s.Format = SealFormat // today's keys and figures have another hash
		if err := s.Rederive(context.Background(), open(t), nil); err == nil {
			t.Errorf("%s: a hash over what was written then passes for one over today's", name)
		}
	}
}

// EGARCH of mild prices is on a fold under the rules of format 7, and at its region's top today.
func TestFoldsOfFormatSeven(t *testing.T) {
	o := study.GarchOptions{Spec: garch.Spec{Model: garch.EGARCH, Law: garch.StudentT}}
	for seed := uint64(1); seed <= 50; seed++ {
		in := study.Input{Table: mild(t, seed)}
		now, err := study.StudyGarch(t.Context(), in, o)
		if err != nil {
			t.Fatal(err)
		}
		if now.Fit.Convergence.Outside == nil {
			continue
		}
		in.Rules = 7
		then, err := study.StudyGarch(t.Context(), in, o)
		if err != nil {
			t.Fatal(err)
		}
		if end := then.Fit.Convergence; end.Converged || end.Outside != nil || then.Fit.LogLik <= now.Fit.LogLik {
			t.Fatalf("seed %d: %+v under the rules of format 7, %v beside %v", seed, end, then.Fit.LogLik, now.Fit.LogLik)
		}
		var text bytes.Buffer
		now.Print(&text, said.Kazakh)
		if !strings.Contains(text.String(), "аймақтан тыс") || strings.Contains(text.String(), "region") {
			t.Errorf("in Kazakh: %s", text.String())
		}
		return
	}
	t.Fatal("fifty mild series, and no fold above a region's top")
}
