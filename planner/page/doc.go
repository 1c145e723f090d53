// Package page writes a plan's result as one HTML file that opens offline, in English,
// Kazakh or Russian: the advice in words, the ways beside each other, fans of price,
// hashprice and money, the tornado, the cash flow, a day's schedule, and the plan itself.
//
// It takes an advise.Result and a schedule, and computes nothing.
package page
