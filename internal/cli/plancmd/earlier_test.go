package plancmd

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/planner/advise"
)

// testdata/plan-1.json.gz is the result of the example's plan by the program that spelled keys otherwise.
func TestAResultOfTheFirstFormatIsComputedAgain(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/plan-1.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	then, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, then, 0o600); err != nil {
		t.Fatal(err)
	}
	old, stored, err := readResult(path)
	if err != nil {
		t.Fatal(err)
	}
	if form, err := formOf(old, old.Format); err != nil || !bytes.Equal(form, stored) {
		t.Fatalf("read and written it is not the same: %v", err)
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture rounds otherwise than the one that computed it")
	}
	command := &cobra.Command{}
	command.SetContext(context.Background())
	command.SetErr(io.Discard)
	again, err := rebuild(command, old)
	if err != nil {
		t.Fatal(err)
	}
	again.Version = old.Version
	if form, err := formOf(again, advise.FirstFormat); err != nil || !bytes.Equal(form, stored) {
		t.Fatalf("computed again it is not the same: %v", err)
	}
}
