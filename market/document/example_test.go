package document_test

import (
	"fmt"

	"github.com/aqsha/aqsha/market/document"
)

func ExampleRule_Judge() {
	volatility := 64.2
	rule := document.Rule{Figure: "volatility", Is: "above", Threshold: 30, Others: []float64{60, 100}}
	judged := rule.Judge(document.Figure{Key: "volatility", Value: &volatility})
	fmt.Println(judged.Fires, judged.Others)
	// Output: true [{60 true} {100 false}]
}
