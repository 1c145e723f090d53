package token_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/aqsha/aqsha/token/points"
)

// What batches say does not depend on what the processor can: the tests of batches pass without its wide instructions too.
func TestBatchesWithoutWideInstructions(t *testing.T) {
	if !points.Wide() {
		return // they have just run like that
	}
	command := exec.Command(os.Args[0], "-test.run", "Batch(Agrees|Finds|Is|Under|$)|Batch[A-Z]", "-test.count", "1")
	command.Env = append(os.Environ(), "GODEBUG=cpu.avx512ifma=off", "AQSHA_PLAIN=1")
	if os.Getenv("AQSHA_PLAIN") != "" {
		t.Fatal("the wide instructions are not off")
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
