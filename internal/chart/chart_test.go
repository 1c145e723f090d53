package chart

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func ExampleTornado() {
	t := Tornado{Title: "NPV", Base: 100, Format: Compact(false), Swings: []Swing{{"power", "−20 %", "+20 %", 140, 60}}}
	fmt.Println(strings.Count(t.SVG(), "<rect"))
	// Output: 2
}

// Every drawing is well-formed and holds no coordinate that a browser cannot read.
func TestDrawingsAreWellFormed(t *testing.T) {
	value := rapid.Float64Range(-1e12, 1e12)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3000).Draw(t, "points")
		values := make([]float64, n)
		days := make([]string, n)
		seed := rapid.SliceOfN(value, 1, 50).Draw(t, "values")
		for i := range n {
			values[i], days[i] = seed[i%len(seed)], "<day>"
		}
		low := make([]float64, n)
		for i := range low {
			low[i] = values[i] - 1
		}
		c := Chart{Title: `a "title"`, Days: days, Lines: []Line{{Name: "a&b", Values: values, Area: rapid.Bool().Draw(t, "area")}},
			Bands: []Band{{"10–90 %", low, values}}, Format: Compact(true)}
		check(t, c.SVG())
		check(t, Chart{Days: days, Bars: values, Format: Compact(true)}.SVG())
		tornado := Tornado{Base: seed[0], Format: Compact(false)}
		for _, v := range seed {
			tornado.Swings = append(tornado.Swings, Swing{"x<y", "−", "+", v, -v})
		}
		check(t, tornado.SVG())
	})
}

func check(t *rapid.T, svg string) {
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Fatalf("not a number in %.300s", svg)
	}
	if strings.Contains(svg, `height="-`) || strings.Contains(svg, `width="-`) {
		t.Fatalf("a rectangle that no browser draws in %.3000s", svg)
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in %.300s", err, svg)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	if svg := (Chart{Days: []string{"a"}, Lines: []Line{{Values: []float64{math.NaN()}}}, Format: Compact(false)}).SVG(); svg != "" {
		t.Fatalf("got %q", svg)
	}
}

func TestSteps(t *testing.T) {
	drawing := Steps{Title: "losses <", Rows: []Step{{"nameplate", 0, 100, "100 TH", "bar"}, {"boards & co", 100, 70, "−30 TH", "down"}, {"luck", 70, 75, "+5 TH", "up"}}}.SVG()
	if err := xml.Unmarshal([]byte(drawing), new(any)); err != nil {
		t.Fatalf("not well-formed: %v", err)
	}
	for _, part := range []string{"boards &amp; co", "losses &lt;", `class="down"`, `class="up"`, "−30 TH"} {
		if !strings.Contains(drawing, part) {
			t.Errorf("no %q in the drawing", part)
		}
	}
	if (Steps{}).SVG() != "" {
		t.Error("nothing has a drawing")
	}
}
