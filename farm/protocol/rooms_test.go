package protocol

import (
	"reflect"
	"strings"
	"sync"
	"testing"
)

// reply is one of a machine that calls itself by a name.
func reply(name string) []byte {
	return []byte(`{"summary":[{"STATUS":[{"STATUS":"S","Code":11,"Msg":"` + name + `"}],"SUMMARY":[{"Elapsed":90,` +
		`"MHS av":95.5e6,"MHS 5s":95.1e6,"Accepted":7,"Rejected":1,"Hardware Errors":3,"Total MH":855000}]}],` +
		`"pools":[{"POOLS":[{"POOL":0,"URL":"` + name + `","User":"` + name + `","Status":"Alive",` +
		`"Stratum Active":true}]}],"devs":[{"DEVS":[{"ASC":0,"Temperature":70.0}]}],"id":1}`)
}

// The nodes of a poll serve the next one again: what was read before stays as it was, also where several machines are
// read at a time, and where a reply has more nodes than a room.
func TestWhatWasReadStays(t *testing.T) {
	first, err := Read(Cgminer, [][]byte{reply("first")})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Read(Cgminer, [][]byte{reply("first")})
	if err != nil || !reflect.DeepEqual(first, kept) || first.ActivePool().URL != "first" {
		t.Fatalf("%+v %v", first, err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, name := range []string{"second", "a name that is much longer than the first", "x"} {
				if r, err := Read(Cgminer, [][]byte{reply(name)}); err != nil || r.ActivePool().User != name {
					t.Errorf("%+v %v", r, err)
				}
			}
		})
	}
	readers.Wait()
	if !reflect.DeepEqual(first, kept) {
		t.Errorf("%+v, read before was %+v", first, kept)
	}
	large := strings.Replace(string(reply("large")), `"id":1`, `"more":[`+strings.Repeat("1,", 9000)+`1],"id":1`, 1)
	for range 3 {
		if r, err := Read(Cgminer, [][]byte{[]byte(large)}); err != nil || r.ActivePool().URL != "large" {
			t.Errorf("%+v %v", r, err)
		}
	}
}

// A look at the bytes leaves out no refusal that parsing finds.
func FuzzRefused(f *testing.F) {
	for _, seed := range []string{`{"STATUS":"E","Code":14}`, `{"STATUS":[{"STATUS":"E","Code":45,"Msg":"denied"}]}`,
		`{"STATUS":[{"STATUS":"\u0045"}]}`, `{"STATUS":E}`, `{"STATUS":"e"}`, `{"STATUS":"S","When":1e5}`,
		"{\"STATUS\":\"\x01E \"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		v, err := Parse(content)
		if err != nil {
			return
		}
		row := statusOf(v)
		if strings.ToUpper(first(row.Get("STATUS").Text(), v.Get("STATUS").Text())) == "E" && !mayRefuse(content) {
			t.Errorf("%q refuses", content)
		}
	})
}
