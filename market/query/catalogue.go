package query

import (
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/risks"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/systems"
	"github.com/aqsha/aqsha/market/usage"
)

// Question is a question as a service describes it to those who may ask.
type Question struct {
	Name       string
	About      string
	Parameters []string
	Answer     any // a value of the type that Answer returns
}

// described says what each question is about, and of which type its answer is.
var described = map[string]Question{
	"files":         {About: "Which files the folder holds", Answer: []string{}},
	"summary":       {About: "What is in a file, and what is wrong with it", Answer: market.Summary{}},
	"volatility":    {About: "Volatility of a price", Answer: study.Volatility{}},
	"garch":         {About: "A GARCH model of a price", Answer: study.Garch{}},
	"risk":          {About: "Value at risk and expected shortfall of a price", Answer: study.Risk{}},
	"report":        {About: "The whole report on an asset", Answer: &report.Report{}},
	"concentration": {About: "How concentrated something is", Answer: concentration.Study{}},
	"paper":         {About: "A study's claims against the data", Answer: paper.Report{}},
	"use":           {About: "How systems are used", Answer: usage.Study{}},
	"functions":     {About: "How well monies do what money is for", Answer: functions.Study{}},
	"risks":         {About: "Risks, and how prices answered news", Answer: risks.Report{}},
	"breaks":        {About: "When a market changed", Answer: study.Breaks{}},
	"liquidity":     {About: "What it costs to trade", Answer: study.Liquidity{}},
	"intraday":      {About: "Realised measures and jumps of days", Answer: study.Intraday{}},
	"spillover":     {About: "How markets move each other", Answer: study.Spillover{}},
	"architecture":  {About: "How systems are built", Answer: []systems.Card{}},
}

// Catalogue lists the questions by name.
func Catalogue() (list []Question) {
	for _, name := range Questions() {
		q := described[name]
		q.Name, q.Parameters = name, strings.Fields(parameters[name])
		list = append(list, q)
	}
	return list
}
