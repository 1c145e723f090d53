package experts

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
)

// krippendorff is example C of Krippendorff (2011): four observers, twelve
// units, five values, with missing data.
var krippendorff = func() [][]float64 {
	rows := []string{"1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."}
	units := make([][]float64, 12)
	for _, r := range rows {
		for i, v := range strings.Fields(r) {
			if v != "." {
				units[i] = append(units[i], float64(v[0]-'0'))
			}
		}
	}
	return units
}()

// TestAlphaAsPublished: the four values that the paper works out.
func TestAlphaAsPublished(t *testing.T) {
	t.Parallel()
	for level, want := range map[Level]float64{Nominal: 0.743, Ordinal: 0.815, Interval: 0.849, Ratio: 0.797} {
		got, err := Alpha(krippendorff, level)
		if err != nil || math.Abs(got-want) > 0.0005 {
			t.Errorf("%s: %.4f, %v; published %.3f", level, got, err, want)
		}
	}
	// Example B of the same: two observers, binary data, coincidences 10, 4 and 2.
	a, b := "0100000000", "1110010010"
	var units [][]float64
	for i := range a {
		units = append(units, []float64{float64(a[i] - '0'), float64(b[i] - '0')})
	}
	if got, err := Alpha(units, Nominal); err != nil || math.Abs(got-0.095) > 0.0005 {
		t.Errorf("binary data: %.4f, %v; published 0.095", got, err)
	}
}

// TestAlphaIsAsItShouldBe: one for those who agree, the same whoever comes
// first, unmoved by what only one has scored and, by level, by what the level
// does not know.
func TestAlphaIsAsItShouldBe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOfN(rapid.SliceOfN(rapid.Map(rapid.IntRange(1, 6), func(i int) float64 { return float64(i) }), 2, 5), 3, 12).Draw(t, "units")
		same := make([][]float64, len(units))
		for i, u := range units {
			same[i] = []float64{u[0], u[0], u[0]}
		}
		for _, level := range Levels {
			alpha, err := Alpha(units, level)
			if err != nil {
				continue
			}
			if alpha > 1+1e-12 || math.IsNaN(alpha) {
				t.Fatalf("%s: %g", level, alpha)
			}
			turned := make([][]float64, 0, len(units)+1)
			for _, u := range units {
				u = slices.Clone(u)
				slices.Reverse(u)
				turned = append(turned, u)
			}
			turned = append(turned, []float64{3}) // one expert's alone
			if again, err := Alpha(turned, level); err != nil || math.Abs(again-alpha) > 1e-9 {
				t.Fatalf("%s: %g turned %g, %v", level, alpha, again, err)
			}
			if one, err := Alpha(same, level); err == nil && math.Abs(one-1) > 1e-12 {
				t.Fatalf("%s: agreement gives %g", level, one)
			}
			moved := make([][]float64, len(units))
			for i, u := range units {
				for _, v := range u {
					switch level {
					case Interval:
						v = 3*v + 7
					case Ratio:
						v *= 5
					default:
						v = v * v * v // keeps order and names
					}
					moved[i] = append(moved[i], v)
				}
			}
			if again, err := Alpha(moved, level); err != nil || math.Abs(again-alpha) > 1e-9 {
				t.Fatalf("%s: %g moved %g, %v", level, alpha, again, err)
			}
		}
	})
}

const sample = `expert,system,criterion,score
a,bitcoin,speed,2
b,bitcoin,speed,3
a,tenge,speed,5
b,tenge,speed,5
a,bitcoin,openness,5
b,bitcoin,openness,4
a,tenge,openness,2
b,tenge,openness,
`

// TestRankingAndItsWeights: by hand, bitcoin has 2.5 and 4.5, tenge 5 and 2;
// bitcoin leads when its weight of speed is below one half, so at half of all
// weights.
func TestRankingAndItsWeights(t *testing.T) {
	t.Parallel()
	scores, err := Read("scores.csv", strings.NewReader(sample), "")
	if err != nil || len(scores) != 7 {
		t.Fatalf("%d scores, %v", len(scores), err)
	}
	s, err := Rank(scores, map[string]float64{"speed": 3, "openness": 1}, Interval)
	if err != nil {
		t.Fatal(err)
	}
	if first := s.Standings[0]; first.System != "tenge" || first.Score != 0.75*5+0.25*2 {
		t.Errorf("first is %+v", first)
	}
	// Times and divided by up to two, 3:1 stays above 1:1 but for odds of 3/4 to 12.
	if s.Stable < 0.9 || s.Stable >= 1 {
		t.Errorf("stable at %g", s.Stable)
	}
	if s, err = Rank(scores, nil, Interval); err != nil {
		t.Fatal(err)
	}
	if got := s.Standings[0].Ranks[0]; math.Abs(got-0.5) > 0.02 {
		t.Errorf("over all weights %g stand so, want a half", got)
	}
	if s.Agreement[0].Criterion != "" || s.Agreement[0].Alpha == nil {
		t.Errorf("agreement %+v", s.Agreement)
	}
}

// TestScoresAreRefused by field and rule.
func TestScoresAreRefused(t *testing.T) {
	t.Parallel()
	for file, code := range map[string]string{
		"": "scores", "expert,system,score\n": "scores", sample + "a,tenge,speed,4\n": "scores", sample + "c,tenge,speed,good\n": "not-a-number",
		sample + "c,,speed,1\n": "scores", sample + "c,tenge,speed,1e300\n": "not-a-number", sample + "c,tenge\n": "ragged",
		"expert,expert,system,criterion,score\na,a,s,c,1\n": "column-ambiguous", "эксперт;система;критерий;оценка\na;s;c;1,125\n": "number-ambiguous",
	} {
		var e *market.Error
		if _, err := Read("scores.csv", strings.NewReader(file), ""); !errors.As(err, &e) || e.Code != "market-"+code {
			t.Errorf("%q: %v, want %s", file, err, code)
		}
	}
	scores, err := Read("scores.csv", strings.NewReader(sample+"a,gold,speed,1\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rank(scores, nil, Interval); err == nil || !strings.Contains(err.Error(), "gold: nobody scored it by openness") {
		t.Errorf("a system scored in part: %v", err)
	}
	whole := scores[:7]
	for name, weights := range map[string]map[string]float64{"no such criterion": {"beauty": 1}, "is not a weight": {"speed": -1}, "all are zero": {"speed": 0}} {
		if _, err := Rank(whole, weights, Interval); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", weights, err)
		}
	}
	if _, err := Rank(whole, nil, "vague"); err == nil {
		t.Error("a level that is none was taken")
	}
}

// FuzzRead: whatever the file, an error or scores that can be ranked or refused.
func FuzzRead(f *testing.F) {
	f.Add(sample)
	f.Add("expert,system,criterion,score\n\"a,b,c,1")
	f.Add("sep=;\r\nсарапшы;жүйе;өлшем;баға\r\na;b;c;1 000,5\r\n;;;\r\n")
	f.Fuzz(func(t *testing.T, file string) {
		scores, err := Read("scores.csv", strings.NewReader(file), "")
		if err != nil || len(scores) > 100 {
			return
		}
		s, err := Rank(scores, nil, Ordinal)
		if err != nil {
			return
		}
		for _, x := range s.Standings {
			if math.IsNaN(x.Score) {
				t.Fatalf("%+v", x)
			}
		}
	})
}
