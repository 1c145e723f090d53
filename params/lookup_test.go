package params

import (
	"fmt"
	"testing"
)

// What a machine calls itself is looked up once: the answer stays the same, and strangers' names do not fill the
// memory.
func TestModelsAreLookedUpOnce(t *testing.T) {
	for i := range 2 * maxModelsKept {
		if _, ok := FindMiningMachine(fmt.Sprint("nobody's model ", i)); ok {
			t.Fatal("a model that is in no catalogue was found")
		}
	}
	kept := 0
	foundModels.Range(func(any, any) bool { kept++; return true })
	if kept > maxModelsKept {
		t.Errorf("%d names are kept", kept)
	}
	for range 2 {
		if fact, ok := FindMiningMachine("Antminer S19 Pro"); !ok || fact.Value.Name != "Antminer S19 Pro" {
			t.Errorf("found %v, %v", fact.Value.Name, ok)
		}
	}
	// What is known is found without a search, after strangers have named theirs too: a search makes strings.
	if made := testing.AllocsPerRun(100, func() { FindMiningMachine("Antminer S19 Pro") }); made > 1 {
		t.Errorf("finding a model anew makes %v allocations", made)
	}
}
