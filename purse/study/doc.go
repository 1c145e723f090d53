// Package study lets a population of offline purses live for some days, some of them crooks', and counts the fraud and
// who bears it: against the limits of purses, how often payees look up who is revoked, and the crooks' share.
//
// Purses pay by package purse itself (Device, Check, real signatures); what the study models is people: who pays whom
// how much, who has a network when, whose phone is lost, and what crooks do: each restores the first state of his purse
// before every payment, and pays the most that his limits allow. It belongs to purse and may import money, token and
// purse. Invariants: a run follows from its options on every machine; whoever has defrauded is convicted by the links
// known, and nobody else is, or the run fails (ErrTheorem).
package study
