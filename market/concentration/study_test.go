package concentration

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

func TestPanelsAndLists(t *testing.T) {
	panel, err := market.Parse("p.csv", []byte("month,pool_slug,blocks\n2021-01,a,50\n2021-01,b,30\n2021-01,unknown,20\n2021-02,a,10\n2021-02,b,10\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Over(panel, "", "", "")
	if err != nil || len(s.Periods) != 2 || s.Periods[0].Residual != 0.2 || s.Periods[0].With.N != 3 || s.Periods[0].Without.N != 2 || s.Periods[1].With.Nakamoto50 != 2 || s.Periods[1].Lorenz == nil {
		t.Errorf("%+v, %v", s, err)
	}
	list, err := market.Parse("h.csv", []byte("holder,amount\nx,0.00000003\ny,0.00000001\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err = Over(list, "", "", "")
	if err != nil || len(s.Periods) != 1 || s.Periods[0].With.HHI != 6250 {
		t.Errorf("%+v, %v", s, err)
	}
	var b strings.Builder
	s.Print(&b, words.English, 0)
	if !strings.Contains(b.String(), "6250.0") {
		t.Error(b.String())
	}
	prices, _ := market.Parse("c.csv", []byte("date,close\n2021-01-01,1\n"), market.ReadOptions{})
	if _, err := Over(prices, "", "", ""); err == nil {
		t.Error("a price series has no holders")
	}
}

func TestParsePoints(t *testing.T) {
	points, err := ParsePoints([]string{"0.9:0.1", " 0.999:0.5"})
	if err != nil || points[1] != (Point{0.999, 0.5}) {
		t.Error(points, err)
	}
	for _, bad := range []string{"0.9", "a:b", "1.2:0.1"} {
		if _, err := ParsePoints([]string{bad}); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
