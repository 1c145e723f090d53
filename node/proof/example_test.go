package proof_test

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node/proof"
)

// What is no proof is refused by name. Making one takes a node; see Make.
func ExampleCheck() {
	_, err := proof.Check([]byte("a receipt"), sim.NewWorld(1).Network)
	fmt.Println(err)
	// Output: wrong-type (proof): CBOR major type 3, want 4
}
