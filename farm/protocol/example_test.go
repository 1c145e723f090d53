package protocol_test

import (
	"fmt"

	"github.com/aqsha/aqsha/farm/protocol"
)

func ExampleRead() {
	reply := []byte(`{"summary":[{"SUMMARY":[{"Elapsed":60,"MHS 5s":95000000.0,"Total MH":5700000000}]}],"pools":[],"devs":[]}`)
	r, err := protocol.Read(protocol.Cgminer, [][]byte{reply})
	fmt.Println(r.RateMHs/1_000_000, "TH/s after", r.ElapsedSeconds, "s; power unknown:", r.PowerWatts == protocol.Unknown, err)
	// Output: 95 TH/s after 60 s; power unknown: true <nil>
}
