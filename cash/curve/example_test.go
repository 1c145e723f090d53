package curve_test

import (
	"crypto/rand"
	"fmt"

	"github.com/aqsha/aqsha/cash/curve"
)

// A holder gets a note signed that the office does not see, and the office knows it again.
func Example() {
	random := func() curve.Scalar {
		var b [curve.ScalarSize]byte
		rand.Read(b[:])
		s, err := curve.ParseScalar(b[:])
		if err != nil {
			panic(err)
		}
		return s
	}
	office := curve.NewSigner(random())

	y, r := curve.HashToCurve([]byte("the secret's text")), random()
	blinded := curve.Blind(y, r)
	signature, proof, err := office.Sign(blinded, rand.Reader)
	if err != nil {
		panic(err)
	}
	note := curve.Unblind(signature, r, office.Key())

	fmt.Println("signed with the announced key:", curve.VerifyDLEQ(office.Key(), blinded, signature, proof))
	fmt.Println("known again:", office.Valid(y, note))
	// Output:
	// signed with the announced key: true
	// known again: true
}
