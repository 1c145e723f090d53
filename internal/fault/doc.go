// Package fault is what a refusal is: a rule that was violated, with a code that never changes its meaning, the field
// that is at fault, and the rule with the value in words.
//
// Every line's refusals implement Coded. Those of the ledger are token.Error, which is written in answers and compared
// between implementations of the rules; those of farms and markets are Refusal. What a code means to a person stands in
// package words for everything that touches a person's money; docs/CODES.md lists all codes, and is generated. Codes
// are kebab-case. It imports the standard library alone.
package fault
