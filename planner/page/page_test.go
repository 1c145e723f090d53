package page_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/advise"
	"github.com/aqsha/aqsha/planner/page"
)

func result(text string) (*advise.Result, error) {
	p, err := planner.Parse("plan.toml", text, nil)
	if err != nil {
		return nil, err
	}
	return advise.Build(context.Background(), p, nil, "test", nil)
}

var fixed = strings.Replace(planner.ExampleFile, `kind = "garch"`, `kind = "fixed"`, 1)

func Example() {
	r, err := result(fixed)
	if err != nil {
		fmt.Println(err)
		return
	}
	var out bytes.Buffer
	fmt.Println(page.Write(&out, r, "kk"), strings.Contains(out.String(), "Ферма жоспары"))
	// Output: <nil> true
}

func TestPagesStandAlone(t *testing.T) {
	text := strings.Replace(fixed, `name = "Ekibastuz 2027"`, `name = "<script>alert(1)</script>"`, 1)
	r, err := result(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range advise.Languages {
		var out bytes.Buffer
		if err := page.Write(&out, r, language); err != nil {
			t.Fatal(err)
		}
		html := out.String()
		for _, bad := range []string{"<script", "http://", "https://", "NaN", "%!", "<no value>", "ZgotmplZ"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s: the page holds %q", language, bad)
			}
		}
		if n := strings.Count(html, "<svg"); n != 7 {
			t.Errorf("%s: %d drawings, want 7", language, n)
		}
	}
	if err := page.Write(&bytes.Buffer{}, r, "de"); err == nil {
		t.Error("a language that is not there was accepted")
	}
}
